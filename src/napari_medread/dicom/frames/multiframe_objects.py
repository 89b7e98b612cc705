"""Headers to frames: what is in one file, by the kind of object it is."""

from __future__ import annotations

import numpy as np

from napari_medread.dicom.frames.enhanced_objects import enhanced_frames
from napari_medread.dicom.frames.frame import Frame, merged, without_position
from napari_medread.dicom.frames.mosaic_tiles import grid_frames, images_in_grid, mosaic_frames
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import Header

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
    groups = attributes.items(dataset, "PerFrameFunctionalGroupsSequence")
    if groups:
        return enhanced_frames(header, groups)
    if "MOSAIC" in attributes.text(dataset, "ImageType").upper():
        return mosaic_frames(header)
    if images_in_grid(dataset) > 1:
        return grid_frames(header)
    if "GridFrameOffsetVector" in dataset:
        return _dose(header)
    if attributes.text(dataset, "Modality") == "NM" or "SliceVector" in dataset:
        return _nuclear(header)
    if header.frames > 1:
        dataset = without_position(dataset)
    return [Frame(header, dataset, n) for n in range(header.frames)]


def _dose(header: Header) -> list[Frame]:
    """Place the planes of a dose grid (PS3.3 C.8.8.3.2).

    Offsets start at 0 and count along the normal, or are z coordinates of axial planes.
    """
    dataset = header.dataset
    offsets = attributes.numbers(dataset, "GridFrameOffsetVector", header.frames)
    first = Frame(header, dataset)
    if offsets is None or first.position is None or first.orientation is None:
        return [Frame(header, without_position(dataset), n) for n in range(header.frames)]
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
    for detector in attributes.items(dataset, "DetectorInformationSequence")[:1]:
        dataset = merged([detector, dataset])
    step = attributes.number(dataset, "SpacingBetweenSlices")
    slices = attributes.numbers(dataset, "SliceVector", header.frames)
    first = Frame(header, dataset)
    vectors = {
        label: found
        for keyword, label in _NM_VECTORS.items()
        if (found := attributes.numbers(dataset, keyword, header.frames)) and len(set(found)) > 1
    }
    places = None
    if step and slices and first.position is not None and first.orientation is not None:
        normal = np.cross(*first.orientation)
        places = [first.position + normal * step * (n - 1) for n in slices]
    elif header.frames > 1:
        dataset = without_position(dataset)
    return [
        Frame(
            header,
            dataset,
            n,
            None if places is None else places[n],
            indices={label: vector[n] for label, vector in vectors.items()},
        )
        for n in range(header.frames)
    ]
