"""Enhanced multi-frame objects: the frames of one file, each with its own functional groups."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.dataset import Dataset

from napari_medread.dicom.frames.frame import Frame, copy_without_position, merge_datasets
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.headers.private_attributes import PHILIPS_FRAME, PHILIPS_SCALE_SLOPE

_FUNCTIONAL_GROUPS = (
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelMeasuresSequence",
    "PixelValueTransformationSequence",
    "FrameVOILUTSequence",
    "FrameContentSequence",
    "TemporalPositionSequence",
    "CardiacSynchronizationSequence",
    "MREchoSequence",
    "MRDiffusionSequence",
    "DiffusionGradientDirectionSequence",
    "MRImageFrameTypeSequence",
    "MRSpectroscopyFrameTypeSequence",
    "CTImageFrameTypeSequence",
    "PETFrameTypeSequence",
    "CTReconstructionSequence",
)
"""Functional groups (PS3.3 C.7.6.16) whose attributes reading needs. Others, such as references
to other images, hold attributes with the same keywords and another meaning."""

_POSITION_TAGS = frozenset(
    tag_for_keyword(keyword)
    for keyword in ("StackID", "InStackPositionNumber", "ImagePositionPatient",
                    "PlanePositionSequence")
)  # fmt: skip
"""Dimension pointers that only number positions, which the frames give themselves."""


def make_enhanced_frames(header: DicomFileHeader, groups: list[Dataset]) -> list[Frame]:
    """Return an enhanced object's frames; their functional groups override the shared ones.

    Parameters
    ----------
    header : DicomFileHeader
        The header of the file.
    groups : list of Dataset
        The items of PerFrameFunctionalGroupsSequence. Frames beyond the last one get no position.
    """
    base = merge_datasets([header.dataset])
    base.pop("PerFrameFunctionalGroupsSequence", None)
    for shared in attributes.get_items(header.dataset, "SharedFunctionalGroupsSequence"):
        base.update(merge_datasets(_iterate_group_items(shared)))
    labels = _find_dimension_labels(header.dataset)
    frames = []
    for n, group in enumerate(groups[: header.number_of_frames]):
        philips_items = attributes.get_private_items(group, PHILIPS_FRAME)
        scale_slopes = [_copy_element(item, PHILIPS_SCALE_SLOPE) for item in philips_items]
        dataset = merge_datasets([base, *_iterate_group_items(group), *scale_slopes])
        frame = Frame(header, dataset, n)
        frame.dimension_indices = _find_dimension_indices(dataset, labels)
        frames.append(frame)
    bare = copy_without_position(base)
    return frames + [Frame(header, bare, n) for n in range(len(frames), header.number_of_frames)]


def _find_dimension_labels(dataset: Dataset) -> list[str]:
    """Return a label for each dimension of an object; empty if it only numbers positions."""
    labels = []
    for number, item in enumerate(attributes.get_items(dataset, "DimensionIndexSequence"), start=1):
        pointer = attributes.get_integer(item, "DimensionIndexPointer", 0)
        try:
            name = dictionary_description(pointer)
        except (KeyError, ValueError):
            name = attributes.get_text(item, "DimensionDescriptionLabel") or f"dimension {number}"
        labels.append("" if pointer in _POSITION_TAGS else name.lower())
    return labels


def _find_dimension_indices(dataset: Dataset, labels: list[str]) -> dict[str, float]:
    """Return a frame's DimensionIndexValues by dimension label (PS3.3 C.7.6.17)."""
    values = (
        attributes.get_numbers(dataset, "DimensionIndexValues", len(labels)) if labels else None
    )
    return {label: n for label, n in zip(labels, values or (), strict=bool(values)) if label}


def _iterate_group_items(group: Dataset) -> Iterable[Dataset]:
    """Yield the items of the functional groups that reading needs, including nested ones."""
    for keyword in _FUNCTIONAL_GROUPS:
        if keyword in group:
            for item in attributes.get_items(group, keyword)[:1]:
                yield item
                yield from _iterate_group_items(item)


def _copy_element(dataset: Dataset, tag: int) -> Dataset:
    """Return a dataset with one element of another; empty if that does not have it."""
    return Dataset({key: element for key, element in dataset.items() if key == tag})
