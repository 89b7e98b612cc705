"""Images with a place in the patient: which of them make one volume, and in what order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.sorting.collinear_positions import (
    split_at_gaps,
    split_into_straight_lines,
)
from napari_medread.dicom.sorting.regular_grids import (
    find_stacking_normal,
    get_image_plane,
    join_labels,
    place_on_regular_grids,
)
from napari_medread.dicom.sorting.repeated_positions import (
    explain_repeated_positions,
    sort_by_instance_number,
)
from napari_medread.dicom.sorting.slice_spacing import MIN_RUN_SLICES, find_slice_grids
from napari_medread.dicom.sorting.stack import Stack

SAME_POSITION_MM = 0.01
"""Slices less than this many mm apart along the normal are at one position ..."""

SAME_POSITION_PIXELS = 0.1
"""... or less than this share of a pixel, where pixels are very small."""

MAX_SEQUENCE_NAMES = 8
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


def stack_positioned_frames(frames: Sequence[Frame], label: str = "") -> list[Stack]:
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
    _, _, pixel = get_image_plane(frames[0])
    lines = split_into_straight_lines(
        np.array([get_image_plane(frame)[0] for frame in frames]),
        find_stacking_normal(frames[0]),
        reach=max(pixel),
        gap=_gap(frames[0]),
    )
    return [s for line in lines for s in _stacks([frames[n] for n in line], label)]


def _gap(frame: Frame) -> float:
    return min(SAME_POSITION_MM, SAME_POSITION_PIXELS * min(get_image_plane(frame)[2]))


def _planes(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Return the frames at each position, by position."""
    normal = find_stacking_normal(frames[0])
    along = np.array([get_image_plane(frame)[0] @ normal for frame in frames])
    return [[frames[n] for n in members] for members in split_at_gaps(along, _gap(frames[0]))]


def _stacks(frames: Sequence[Frame], label: str) -> list[Stack]:
    """Return stacks of frames on one line."""
    planes = _planes(frames)
    if max(map(len, planes)) == 1:
        return _without_repeats([plane[0] for plane in planes], label)
    for keyword in _KINDS:
        parts = _explain_repeats(planes, keyword)
        if parts:
            return [s for name, part in parts for s in _stacks(part, join_labels(label, name))]
    found = explain_repeated_positions(planes)
    if found is not None:
        return place_on_regular_grids(found.frames, found.axes, label, found.notes)
    for keyword in _RUNS:
        parts = _explain_repeats(planes, keyword)
        if parts and (keyword != "SequenceName" or len(parts) <= MAX_SEQUENCE_NAMES):
            return [s for name, part in parts for s in _stacks(part, join_labels(label, name))]
    found = sort_by_instance_number(planes)
    if found is not None:
        return place_on_regular_grids(found.frames, found.axes, label, found.notes)
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
                len(part) >= MIN_RUN_SLICES and _is_clean(part) for _, part in parts
            ):
                return [
                    s
                    for name, part in parts
                    for s in _without_repeats(part, join_labels(label, name))
                ]
    return place_on_regular_grids(_row(frames), (), label, [])


def _is_clean(frames: Sequence[Frame]) -> bool:
    """Tell whether sorted frames need neither filling nor interpolation."""
    if len(frames) == 1:
        return True
    positions = np.array([get_image_plane(frame)[0] for frame in frames])
    grids = find_slice_grids(positions, find_stacking_normal(frames[0]))
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
    if len(parts) < 2 or len(frames) / len(parts) < min(MIN_RUN_SLICES, len(planes)):
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
    return attributes.get_text(frame.dataset, keyword)


def _label(name: str, others: Iterable[str], keyword: str) -> str:
    """Return what an attribute's value says to a person; of ImageType the part that differs."""
    if keyword == "FrameType":
        common = set.intersection(*(set(other.split("\\")) for other in others))
        return " ".join(value for value in name.split("\\") if value not in common)
    return _LABELS.get(keyword, "{}").format(name.replace("\\", " ")) if name else ""


def _sets_by_instance(planes: Sequence[list[Frame]], label: str) -> list[Stack]:
    """Make a stack of the first frame of every position, one of the second, and so on."""
    ordered = [sorted(plane, key=lambda frame: frame.acquisition_order) for plane in planes]
    note = (
        "Positions are repeated and nothing in the headers says why: the images were "
        "stacked by InstanceNumber."
    )
    return [
        stack
        for n in range(max(map(len, ordered)))
        for stack in place_on_regular_grids(
            _row([plane[n] for plane in ordered if len(plane) > n]),
            (),
            join_labels(label, f"set {n + 1}"),
            [note],
        )
    ]
