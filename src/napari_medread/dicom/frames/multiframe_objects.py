"""Headers to frames: the frames in one file, depending on the kind of object it is."""

from __future__ import annotations

import numpy as np

from napari_medread.dicom.frames.enhanced_objects import make_enhanced_frames
from napari_medread.dicom.frames.frame import Frame, copy_without_position, merge_datasets
from napari_medread.dicom.frames.mosaic_tiles import (
    count_grid_images,
    make_grid_frames,
    make_mosaic_frames,
)
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import DicomFileHeader

_NM_VECTOR_LABELS = {
    "EnergyWindowVector": "energy window",
    "DetectorVector": "detector",
    "PhaseVector": "phase",
    "RotationVector": "rotation",
    "RRIntervalVector": "R-R interval",
    "TimeSlotVector": "time slot",
    "AngularViewVector": "angular view",
    "TimeSliceVector": "time slice",
}
"""Axes that number the frames of a nuclear medicine image (PS3.3 C.8.4.8.1.1)."""


def make_frames(header: DicomFileHeader) -> list[Frame]:
    """Return the frames of a file in file order.

    Frames without positions of their own have none: ImagePositionPatient of a multi-frame file
    is, at best, that of its first frame.
    """
    dataset = header.dataset
    groups = attributes.get_items(dataset, "PerFrameFunctionalGroupsSequence")
    if groups:
        return make_enhanced_frames(header, groups)
    if "MOSAIC" in attributes.get_text(dataset, "ImageType").upper():
        return make_mosaic_frames(header)
    if count_grid_images(dataset) > 1:
        return make_grid_frames(header)
    if "GridFrameOffsetVector" in dataset:
        return _make_dose_frames(header)
    if attributes.get_text(dataset, "Modality") == "NM" or "SliceVector" in dataset:
        return _make_nuclear_medicine_frames(header)
    if header.number_of_frames > 1:
        dataset = copy_without_position(dataset)
    return [Frame(header, dataset, n) for n in range(header.number_of_frames)]


def _make_dose_frames(header: DicomFileHeader) -> list[Frame]:
    """Return the planes of a dose grid at their positions (PS3.3 C.8.8.3.2).

    Offsets that start at 0 are distances along the normal of the first plane; others are the z
    coordinates of axial planes.
    """
    dataset = header.dataset
    offsets = attributes.get_numbers(dataset, "GridFrameOffsetVector", header.number_of_frames)
    first = Frame(header, dataset)
    if offsets is None or first.image_position is None or first.image_orientation is None:
        bare = copy_without_position(dataset)
        return [Frame(header, bare, n) for n in range(header.number_of_frames)]
    normal = np.cross(*first.image_orientation)
    if offsets[0] != 0.0:
        normal = np.array([0.0, 0.0, 1.0])
    return [
        Frame(header, dataset, n, first.image_position + normal * (offset - offsets[0]))
        for n, offset in enumerate(offsets)
    ]


def _make_nuclear_medicine_frames(header: DicomFileHeader) -> list[Frame]:
    """Return the numbered frames of a nuclear medicine image; reconstructed slices have positions.

    Slices follow the first one along its normal, SpacingBetweenSlices apart (PS3.3 C.8.4.15).
    """
    dataset = header.dataset
    for detector in attributes.get_items(dataset, "DetectorInformationSequence")[:1]:
        dataset = merge_datasets([detector, dataset])
    count = header.number_of_frames
    spacing = attributes.get_number(dataset, "SpacingBetweenSlices")
    slice_numbers = attributes.get_numbers(dataset, "SliceVector", count)
    first = Frame(header, dataset)
    vectors = {
        label: vector
        for keyword, label in _NM_VECTOR_LABELS.items()
        if (vector := attributes.get_numbers(dataset, keyword, count)) and len(set(vector)) > 1
    }
    positions = None
    if (
        spacing
        and slice_numbers
        and first.image_position is not None
        and first.image_orientation is not None
    ):
        normal = np.cross(*first.image_orientation)
        positions = [first.image_position + normal * spacing * (n - 1) for n in slice_numbers]
    elif count > 1:
        dataset = copy_without_position(dataset)
    return [
        Frame(
            header,
            dataset,
            n,
            None if positions is None else positions[n],
            axis_indices={label: vector[n] for label, vector in vectors.items()},
        )
        for n in range(count)
    ]
