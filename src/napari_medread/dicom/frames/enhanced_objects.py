"""Enhanced objects: the frames of one file, each with its own functional groups."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.dataset import Dataset

from napari_medread.dicom.frames.frame import Frame, copy_without_position, merge_datasets
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.headers.private_attributes import PHILIPS_FRAME, PHILIPS_SCALE_SLOPE

_MACROS = (
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
"""Functional groups (PS3.3 C.7.6.16) whose attributes reading needs. Others, such as the
references to other images, hold attributes of the same names that mean something else."""

_PLACES = frozenset(
    tag_for_keyword(keyword)
    for keyword in ("StackID", "InStackPositionNumber", "ImagePositionPatient",
                    "PlanePositionSequence")
)  # fmt: skip
"""Dimensions that only say where a frame lies."""


def make_enhanced_frames(header: DicomFileHeader, groups: list[Dataset]) -> list[Frame]:
    """Give every frame its functional groups, which override the shared ones."""
    base = merge_datasets([header.dataset])
    base.pop("PerFrameFunctionalGroupsSequence", None)
    for shared in attributes.get_items(header.dataset, "SharedFunctionalGroupsSequence"):
        base.update(merge_datasets(_macros(shared)))
    labels = _dimension_labels(header.dataset)
    frames = []
    for n, group in enumerate(groups[: header.number_of_frames]):
        own = attributes.get_private_items(group, PHILIPS_FRAME)
        scale = [_only(item, PHILIPS_SCALE_SLOPE) for item in own]
        dataset = merge_datasets([base, *_macros(group), *scale])
        frame = Frame(header, dataset, n)
        frame.dimension_indices = _dimension_indices(dataset, labels)
        frames.append(frame)
    # Frames without groups of their own are somewhere, but nobody knows where.
    bare = copy_without_position(base)
    return frames + [Frame(header, bare, n) for n in range(len(frames), header.number_of_frames)]


def _dimension_labels(dataset: Dataset) -> list[str]:
    """Return what an object's dimensions count, empty where they only say where frames lie."""
    labels = []
    for number, item in enumerate(attributes.get_items(dataset, "DimensionIndexSequence"), start=1):
        pointer = attributes.get_integer(item, "DimensionIndexPointer", 0)
        try:
            name = dictionary_description(pointer)
        except (KeyError, ValueError):
            name = attributes.get_text(item, "DimensionDescriptionLabel") or f"dimension {number}"
        labels.append("" if pointer in _PLACES else name.lower())
    return labels


def _dimension_indices(dataset: Dataset, labels: list[str]) -> dict[str, float]:
    """Return a frame's DimensionIndexValues by what they count (PS3.3 C.7.6.17)."""
    found = attributes.get_numbers(dataset, "DimensionIndexValues", len(labels)) if labels else None
    return {label: n for label, n in zip(labels, found or (), strict=bool(found)) if label}


def _macros(group: Dataset) -> Iterable[Dataset]:
    """Yield the items of the functional groups that matter, nested ones too."""
    for keyword in _MACROS:
        if keyword in group:
            for item in attributes.get_items(group, keyword)[:1]:
                yield item
                yield from _macros(item)


def _only(dataset: Dataset, tag: int) -> Dataset:
    """Return a dataset with one element of another, if it is there."""
    return Dataset({key: element for key, element in dataset.items() if key == tag})
