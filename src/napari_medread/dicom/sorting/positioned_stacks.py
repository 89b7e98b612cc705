"""Images with a place in the patient: which of them make one volume, and in what order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.sorting.collinear_positions import clusters, split_into_lines
from napari_medread.dicom.sorting.regular_grids import (
    joined,
    placement,
    regular_stacks,
    stacking_normal,
)
from napari_medread.dicom.sorting.repeated_positions import by_instance, find_dimensions
from napari_medread.dicom.sorting.slice_spacing import LEAST_RUN, regular_grids
from napari_medread.dicom.sorting.stack import Stack

SAME_PLACE = 0.01
"""Slices less than this many mm apart along the normal are at one position ..."""

SAME_PLACE_OF_PIXEL = 0.1
"""... or less than this share of a pixel, where pixels are very small."""

MOST_NAMES = 8
"""More values of SequenceName than this count points on an axis, rather than kinds of images."""

_KINDS = ("FrameType", "ComplexImageComponent", "StackID", "ConvolutionKernel")
"""Images that differ in these are different things: they make volumes, not points of an axis."""

_RUNS = ("AcquisitionNumber", "EchoTime", "EchoNumbers", "SequenceName")
"""Images that differ in these make points of an axis where they can, else volumes."""

_LABELS = {
    "StackID": "stack {}",
    "AcquisitionNumber": "acquisition {}",
    "EchoTime": "echo time {} ms",
    "EchoNumbers": "echo {}",
}


def placed_stacks(frames: Sequence[Frame], label: str = "") -> list[Stack]:
    """Return stacks of frames of one kind and orientation, all with a place in the patient.

    Frames are sorted by position, never by name or number. What the headers say splits them only
    where it explains positions that are repeated, or uneven.

    Parameters
    ----------
    frames : sequence of Frame
        In any order.
    label : str
        What sets them apart from other images of their series.
    """
    _, _, pixel = placement(frames[0])
    lines = split_into_lines(
        np.array([placement(frame)[0] for frame in frames]),
        stacking_normal(frames[0]),
        reach=max(pixel),
        gap=_gap(frames[0]),
    )
    return [s for line in lines for s in _stacks([frames[n] for n in line], label)]


def _gap(frame: Frame) -> float:
    return min(SAME_PLACE, SAME_PLACE_OF_PIXEL * min(placement(frame)[2]))


def _planes(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Return the frames at each position, by position."""
    normal = stacking_normal(frames[0])
    along = np.array([placement(frame)[0] @ normal for frame in frames])
    return [[frames[n] for n in members] for members in clusters(along, _gap(frames[0]))]


def _stacks(frames: Sequence[Frame], label: str) -> list[Stack]:
    """Return stacks of frames on one line."""
    planes = _planes(frames)
    if max(map(len, planes)) == 1:
        return _without_repeats([plane[0] for plane in planes], label)
    for keyword in _KINDS:
        parts = _explain_repeats(planes, keyword)
        if parts:
            return [s for name, part in parts for s in _stacks(part, joined(label, name))]
    found = find_dimensions(planes)
    if found is not None:
        return regular_stacks(found.frames, found.axes, label, found.notes)
    for keyword in _RUNS:
        parts = _explain_repeats(planes, keyword)
        if parts and (keyword != "SequenceName" or len(parts) <= MOST_NAMES):
            return [s for name, part in parts for s in _stacks(part, joined(label, name))]
    found = by_instance(planes)
    if found is not None:
        return regular_stacks(found.frames, found.axes, label, found.notes)
    return _sets_by_instance(planes, label)


def _without_repeats(frames: Sequence[Frame], label: str) -> list[Stack]:
    """Return stacks of frames of which no two are at one position, sorted.

    Where they are uneven because two stacks are interleaved or follow one another at a distance,
    the headers may tell the two apart.
    """
    if not _is_clean(frames):
        for keyword in (*_KINDS, *_RUNS):
            parts = _parts(frames, keyword)
            if len(parts) > 1 and all(
                len(part) >= LEAST_RUN and _is_clean(part) for _, part in parts
            ):
                return [
                    s for name, part in parts for s in _without_repeats(part, joined(label, name))
                ]
    return regular_stacks(_row(frames), (), label, [])


def _is_clean(frames: Sequence[Frame]) -> bool:
    """Tell whether sorted frames need neither filling nor interpolation."""
    if len(frames) == 1:
        return True
    positions = np.array([placement(frame)[0] for frame in frames])
    grids = regular_grids(positions, stacking_normal(frames[0]))
    return not any(grid.missing or grid.resampled for grid in grids)


def _row(frames: Sequence[Frame]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    row = np.empty(len(frames), dtype=object)
    row[:] = frames
    return row


def _explain_repeats(planes: Sequence[list[Frame]], keyword: str) -> list[tuple[str, list[Frame]]]:
    """Split frames by an attribute, where that tells frames of one position apart.

    It does if every part repeats positions less often than the whole. Parts of a slice or two are
    no stacks: the attribute then differs from slice to slice.
    """
    frames = [frame for plane in planes for frame in plane]
    parts = _parts(frames, keyword)
    if len(parts) < 2 or len(frames) / len(parts) < min(LEAST_RUN, len(planes)):
        return []
    per_plane = [Counter(_attribute(frame, keyword) for frame in plane) for plane in planes]
    repeats = max(max(counts.values()) for counts in per_plane)
    return parts if repeats < max(map(len, planes)) else []


def _parts(frames: Sequence[Frame], keyword: str) -> list[tuple[str, list[Frame]]]:
    """Split frames by an attribute; return each part with its label."""
    parts: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        parts[_attribute(frame, keyword)].append(frame)
    return [(_label(name, parts, keyword), part) for name, part in sorted(parts.items())]


def _attribute(frame: Frame, keyword: str) -> str:
    if keyword == "FrameType":
        return "\\".join(frame.image_type)
    return attributes.text(frame.dataset, keyword)


def _label(name: str, others: Iterable[str], keyword: str) -> str:
    """Return what an attribute's value says to a person; of ImageType the part that differs."""
    if keyword == "FrameType":
        common = set.intersection(*(set(other.split("\\")) for other in others))
        return " ".join(value for value in name.split("\\") if value not in common)
    return _LABELS.get(keyword, "{}").format(name.replace("\\", " ")) if name else ""


def _sets_by_instance(planes: Sequence[list[Frame]], label: str) -> list[Stack]:
    """Make a stack of the first frame of every position, one of the second, and so on."""
    ordered = [sorted(plane, key=lambda frame: frame.order) for plane in planes]
    note = (
        "Positions are repeated and nothing in the headers says why: the images were "
        "stacked by InstanceNumber."
    )
    return [
        stack
        for n in range(max(map(len, ordered)))
        for stack in regular_stacks(
            _row([plane[n] for plane in ordered if len(plane) > n]),
            (),
            joined(label, f"set {n + 1}"),
            [note],
        )
    ]
