"""Headers to frames: what is in one file, by the kind of object it is."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from pydicom.dataset import Dataset

from napari_medread.dicom import values
from napari_medread.dicom.csa import csa_values
from napari_medread.dicom.frames import Frame, Tile, Vector
from napari_medread.dicom.private import (
    CSA_IMAGE_HEADER,
    IMAGES_IN_MOSAIC,
    PHILIPS_FRAME,
    PHILIPS_SCALE_SLOPE,
    private_numbers,
)
from napari_medread.dicom.scan import Header

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

_NM_VECTORS = {
    "EnergyWindowVector": "energy window",
    "DetectorVector": "detector",
    "PhaseVector": "phase",
    "RotationVector": "rotation",
    "RRIntervalVector": "R-R interval",
    "TimeSlotVector": "time slot",
    "AngularViewVector": "angular view",
    "TimeSliceVector": "time slice",
}
"""What the frames of a nuclear medicine image are numbered by (PS3.3 C.8.4.8.1.1)."""


def frames_of(header: Header) -> list[Frame]:
    """Return a file's frames in file order.

    Frames whose place is not given, each for itself, have none: the position of a whole
    file is that of its first frame at best.
    """
    dataset = header.dataset
    groups = values.items(dataset, "PerFrameFunctionalGroupsSequence")
    if groups:
        return _enhanced(header, groups)
    if "MOSAIC" in values.text(dataset, "ImageType").upper():
        return _mosaic(header)
    if "GridFrameOffsetVector" in dataset:
        return _dose(header)
    if values.text(dataset, "Modality") == "NM" or "SliceVector" in dataset:
        return _nuclear(header)
    if header.frames > 1:
        dataset = _without_position(dataset)
    return [Frame(header, dataset, n) for n in range(header.frames)]


def _without_position(dataset: Dataset) -> Dataset:
    bare = _flat([dataset])  # a copy of a pydicom dataset shares its elements
    bare.pop("ImagePositionPatient", None)
    return bare


def _enhanced(header: Header, groups: list[Dataset]) -> list[Frame]:
    """Give every frame its functional groups, which override the shared ones."""
    base = _flat([header.dataset])
    base.pop("PerFrameFunctionalGroupsSequence", None)
    for shared in values.items(header.dataset, "SharedFunctionalGroupsSequence"):
        base.update(_flat(_macros(shared)))
    frames = []
    for n, group in enumerate(groups[: header.frames]):
        own = values.private_items(group, PHILIPS_FRAME)
        scale = [_only(item, PHILIPS_SCALE_SLOPE) for item in own]
        frames.append(Frame(header, _flat([base, *_macros(group), *scale]), n))
    return frames


def _macros(group: Dataset) -> Iterable[Dataset]:
    """Yield the items of the functional groups that matter, nested ones too."""
    for keyword in _MACROS:
        if keyword in group:
            for item in values.items(group, keyword)[:1]:
                yield item
                yield from _macros(item)


def _only(dataset: Dataset, tag: int) -> Dataset:
    """Return a dataset with one element of another, if it is there."""
    return Dataset({key: element for key, element in dataset.items() if key == tag})


def _flat(datasets: Iterable[Dataset]) -> Dataset:
    """Merge datasets into one; their elements stay unparsed until they are asked for."""
    merged = Dataset()
    for dataset in datasets:
        merged.update(dict(dataset.items()))
        implicit, little = dataset.original_encoding
        merged.set_original_encoding(implicit, little, dataset.original_character_set)
    return merged


def _mosaic(header: Header) -> list[Frame]:
    """Cut a Siemens mosaic into its slices, or leave it whole where the key is lost.

    ImagePositionPatient is the corner that one slice of the mosaic's size would have: the
    corner of the real, smaller slice lies half the difference further in.
    """
    dataset = header.dataset
    found = _mosaic_header(dataset)
    position = values.numbers(dataset, "ImagePositionPatient", 3)
    whole = Frame(header, _without_position(dataset))
    orientation, spacing = whole.orientation, whole.pixel_spacing
    if found is None or position is None or orientation is None or spacing is None:
        return [whole]
    count, normal = found
    side = math.ceil(math.sqrt(count))
    rows, columns = header.rows // side, header.columns // side
    row, column = orientation
    across = (header.columns - columns) / 2 * spacing[1]
    down = (header.rows - rows) / 2 * spacing[0]
    corner = np.array(position) + row * across + column * down
    step = abs(
        values.number(dataset, "SpacingBetweenSlices")
        or values.number(dataset, "SliceThickness")
        or 0.0
    )
    if not step:
        return [whole]
    along = np.cross(row, column)
    if normal is not None and normal @ along < 0:
        along = -along
    tiles = [Tile(n // side * rows, n % side * columns, rows, columns) for n in range(count)]
    return [
        Frame(header, dataset, 0, corner + along * step * n, tile) for n, tile in enumerate(tiles)
    ]


def _mosaic_header(dataset: Dataset) -> tuple[int, Vector | None] | None:
    """Return the number of slices in a mosaic, and the direction in which they follow."""
    element = dataset.get(CSA_IMAGE_HEADER)
    tags = frozenset(["NumberOfImagesInMosaic", "SliceNormalVector"])
    data = element.value if element is not None else b""
    found = csa_values(data, tags) if isinstance(data, bytes) else {}
    normal = found.get("SliceNormalVector", [])
    try:
        count = int(found.get("NumberOfImagesInMosaic", ["0"])[0])
        direction = np.array([float(x) for x in normal]) if len(normal) == 3 else None
    except ValueError:
        return None
    if not count:
        count = int((private_numbers(dataset, IMAGES_IN_MOSAIC) or (0,))[0])
    return (count, direction) if count > 0 else None


def _dose(header: Header) -> list[Frame]:
    """Place the planes of a dose grid (PS3.3 C.8.8.3.2).

    Offsets start at 0 and count along the normal, or are z coordinates of axial planes.
    """
    dataset = header.dataset
    offsets = values.numbers(dataset, "GridFrameOffsetVector", header.frames)
    first = Frame(header, dataset)
    if offsets is None or first.position is None or first.orientation is None:
        return [Frame(header, _without_position(dataset), n) for n in range(header.frames)]
    normal = np.cross(*first.orientation)
    if offsets[0] != 0.0:
        normal = np.array([0.0, 0.0, 1.0])
    return [
        Frame(header, dataset, n, first.position + normal * (offset - offsets[0]))
        for n, offset in enumerate(offsets)
    ]


def _nuclear(header: Header) -> list[Frame]:
    """Number the frames of a nuclear medicine image, and place reconstructed slices.

    Slices follow the first along its normal, SpacingBetweenSlices apart (PS3.3 C.8.4.15).
    """
    dataset = header.dataset
    for detector in values.items(dataset, "DetectorInformationSequence")[:1]:
        dataset = _flat([detector, dataset])
    step = values.number(dataset, "SpacingBetweenSlices")
    slices = values.numbers(dataset, "SliceVector", header.frames)
    first = Frame(header, dataset)
    vectors = {
        label: found
        for keyword, label in _NM_VECTORS.items()
        if (found := values.numbers(dataset, keyword, header.frames)) and len(set(found)) > 1
    }
    placed = step and slices and first.position is not None and first.orientation is not None
    if not placed and header.frames > 1:
        dataset = _without_position(dataset)
    frames = []
    for n in range(header.frames):
        frame = Frame(header, dataset, n)
        if (
            placed
            and slices
            and step
            and first.position is not None
            and first.orientation is not None
        ):
            along = np.cross(*first.orientation) * step * (slices[n] - 1)
            frame.placed_at = first.position + along
        frame.indices = {label: vector[n] for label, vector in vectors.items()}
        frames.append(frame)
    return frames
