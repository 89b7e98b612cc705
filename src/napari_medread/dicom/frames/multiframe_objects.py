"""Headers to frames: what is in one file, by the kind of object it is."""

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


def make_frames(header: DicomFileHeader) -> list[Frame]:
    """Return a file's frames in file order.

    Frames whose place is not given, each for itself, have none: the position of a whole
    file is that of its first frame at best.
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
        return _dose(header)
    if attributes.get_text(dataset, "Modality") == "NM" or "SliceVector" in dataset:
        return _nuclear(header)
    if header.number_of_frames > 1:
        dataset = copy_without_position(dataset)
    return [Frame(header, dataset, n) for n in range(header.number_of_frames)]


def _dose(header: DicomFileHeader) -> list[Frame]:
    """Place the planes of a dose grid (PS3.3 C.8.8.3.2).

    Offsets start at 0 and count along the normal, or are z coordinates of axial planes.
    """
    dataset = header.dataset
    offsets = attributes.get_numbers(dataset, "GridFrameOffsetVector", header.number_of_frames)
    first = Frame(header, dataset)
    if offsets is None or first.image_position is None or first.image_orientation is None:
        return [
            Frame(header, copy_without_position(dataset), n) for n in range(header.number_of_frames)
        ]
    normal = np.cross(*first.image_orientation)
    if offsets[0] != 0.0:
        normal = np.array([0.0, 0.0, 1.0])
    return [
        Frame(header, dataset, n, first.image_position + normal * (offset - offsets[0]))
        for n, offset in enumerate(offsets)
    ]


def _nuclear(header: DicomFileHeader) -> list[Frame]:
    """Number the frames of a nuclear medicine image, and place reconstructed slices.

    Slices follow the first along its normal, SpacingBetweenSlices apart (PS3.3 C.8.4.15).
    """
    dataset = header.dataset
    for detector in attributes.get_items(dataset, "DetectorInformationSequence")[:1]:
        dataset = merge_datasets([detector, dataset])
    step = attributes.get_number(dataset, "SpacingBetweenSlices")
    slices = attributes.get_numbers(dataset, "SliceVector", header.number_of_frames)
    first = Frame(header, dataset)
    vectors = {
        label: found
        for keyword, label in _NM_VECTORS.items()
        if (found := attributes.get_numbers(dataset, keyword, header.number_of_frames))
        and len(set(found)) > 1
    }
    places = None
    if step and slices and first.image_position is not None and first.image_orientation is not None:
        normal = np.cross(*first.image_orientation)
        places = [first.image_position + normal * step * (n - 1) for n in slices]
    elif header.number_of_frames > 1:
        dataset = copy_without_position(dataset)
    return [
        Frame(
            header,
            dataset,
            n,
            None if places is None else places[n],
            indices={label: vector[n] for label, vector in vectors.items()},
        )
        for n in range(header.number_of_frames)
    ]
