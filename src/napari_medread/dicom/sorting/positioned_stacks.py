"""Frames with a patient position: which of them make one volume, and in what order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.sorting.collinear_positions import (
    split_at_gaps,
    split_into_straight_lines,
)
from napari_medread.dicom.sorting.even_spacing import MIN_RUN_SLICES
from napari_medread.dicom.sorting.image_plane import find_stacking_normal, get_image_plane
from napari_medread.dicom.sorting.regular_grids import place_on_regular_grids
from napari_medread.dicom.sorting.repeated_positions import (
    explain_repeated_positions,
    sort_by_instance_number,
)
from napari_medread.dicom.sorting.slice_spacing import find_slice_grids
from napari_medread.dicom.sorting.stack import Stack, join_labels

SAME_POSITION_MM = 0.01
"""Slices no farther apart along the normal than this many mm are at one position ..."""

SAME_POSITION_PIXELS = 0.1
"""... and than this share of a pixel, where pixels are very small."""

MAX_SEQUENCE_NAMES = 8
"""More values of SequenceName than this count points on an axis, rather than kinds of images."""

_KIND_KEYWORDS = ("FrameType", "ComplexImageComponent", "StackID", "ConvolutionKernel")
"""Images that differ in these are different things: they make volumes, never points of an axis."""

_RUN_KEYWORDS = ("AcquisitionNumber", "EchoTime", "EchoNumbers", "SequenceName")
"""Images that differ in these make points of an axis where they can, otherwise volumes."""

_LABEL_FORMATS = {
    "StackID": "stack {}",
    "AcquisitionNumber": "acquisition {}",
    "EchoTime": "echo time {} ms",
    "EchoNumbers": "echo {}",
}


def stack_positioned_frames(frames: Sequence[Frame], label: str = "") -> list[Stack]:
    """Return the stacks of frames of one kind and orientation, all with a patient position.

    Frames are sorted by position, never by name or number. Attributes only split them where that
    explains repeated or uneven positions.

    Parameters
    ----------
    frames : sequence of Frame
        In any order.
    label : str
        What distinguishes them from other images of their series.
    """
    lines = split_into_straight_lines(
        np.array([get_image_plane(frame).position for frame in frames]),
        find_stacking_normal(frames[0]),
        max_distance=max(get_image_plane(frames[0]).pixel_spacing),
        same_plane_gap=_same_position_gap(frames[0]),
    )
    return [s for line in lines for s in _stack_line([frames[n] for n in line], label)]


def _same_position_gap(frame: Frame) -> float:
    """Return the distance in mm along the normal up to which slices are at one position."""
    pixel_spacing = get_image_plane(frame).pixel_spacing
    return min(SAME_POSITION_MM, SAME_POSITION_PIXELS * min(pixel_spacing))


def _group_by_position(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Return the frames at each position, sorted by position along the stacking normal."""
    normal = find_stacking_normal(frames[0])
    distances = np.array([get_image_plane(frame).position @ normal for frame in frames])
    groups = split_at_gaps(distances, _same_position_gap(frames[0]))
    return [[frames[n] for n in group] for group in groups]


def _stack_line(frames: Sequence[Frame], label: str) -> list[Stack]:
    """Return the stacks of frames on one line, by the first explanation of repeated positions.

    First by attributes that make separate volumes, then as leading axes, then by attributes that
    may also separate runs, and last by InstanceNumber.
    """
    by_position = _group_by_position(frames)
    if max(map(len, by_position)) == 1:
        return _stack_unrepeated([group[0] for group in by_position], label)
    for keyword in _KIND_KEYWORDS:
        parts = _split_repeats_by(keyword, by_position)
        if parts:
            return [s for name, part in parts for s in _stack_line(part, join_labels(label, name))]
    explained = explain_repeated_positions(by_position)
    if explained is not None:
        return place_on_regular_grids(explained.frames, explained.axes, label, explained.notes)
    for keyword in _RUN_KEYWORDS:
        parts = _split_repeats_by(keyword, by_position)
        if parts and (keyword != "SequenceName" or len(parts) <= MAX_SEQUENCE_NAMES):
            return [s for name, part in parts for s in _stack_line(part, join_labels(label, name))]
    numbered = sort_by_instance_number(by_position)
    if numbered is not None:
        return place_on_regular_grids(numbered.frames, numbered.axes, label, numbered.notes)
    return _stack_sets_by_instance_number(by_position, label)


def _stack_unrepeated(frames: Sequence[Frame], label: str) -> list[Stack]:
    """Return the stacks of sorted frames of which no two are at one position.

    Where they are uneven because two stacks are interleaved or follow one another at a distance,
    an attribute may separate the two.
    """
    if not _is_evenly_filled(frames):
        for keyword in (*_KIND_KEYWORDS, *_RUN_KEYWORDS):
            parts = _split_by(keyword, frames)
            if len(parts) > 1 and all(
                len(part) >= MIN_RUN_SLICES and _is_evenly_filled(part) for _, part in parts
            ):
                return [
                    s
                    for name, part in parts
                    for s in _stack_unrepeated(part, join_labels(label, name))
                ]
    return place_on_regular_grids(_to_object_array(frames), (), label, [])


def _is_evenly_filled(frames: Sequence[Frame]) -> bool:
    """Return whether sorted frames need neither empty planes nor interpolation."""
    if len(frames) == 1:
        return True
    positions = np.array([get_image_plane(frame).position for frame in frames])
    grids = find_slice_grids(positions, find_stacking_normal(frames[0]))
    return not any(grid.missing_planes or grid.needs_interpolation for grid in grids)


def _to_object_array(frames: Sequence[Frame]) -> NDArray[np.object_]:
    """Return frames as a one-dimensional array."""
    array = np.empty(len(frames), dtype=object)
    array[:] = frames
    return array


def _split_repeats_by(
    keyword: str, by_position: Sequence[list[Frame]]
) -> list[tuple[str, list[Frame]]]:
    """Split frames by an attribute that distinguishes frames of one position; else return none.

    It does if every part repeats positions less often than the whole. Where the parts have only a
    slice or two, the attribute differs from slice to slice and they are no stacks.
    """
    frames = [frame for group in by_position for frame in group]
    parts = _split_by(keyword, frames)
    if len(parts) < 2 or len(frames) / len(parts) < min(MIN_RUN_SLICES, len(by_position)):
        return []
    counts = [Counter(_attribute(frame, keyword) for frame in group) for group in by_position]
    repeats = max(max(count.values()) for count in counts)
    return parts if repeats < max(map(len, by_position)) else []


def _split_by(keyword: str, frames: Sequence[Frame]) -> list[tuple[str, list[Frame]]]:
    """Split frames by an attribute; return each part with its label."""
    parts: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        parts[_attribute(frame, keyword)].append(frame)
    return [(_describe_value(value, parts, keyword), part) for value, part in sorted(parts.items())]


def _attribute(frame: Frame, keyword: str) -> str:
    if keyword == "FrameType":
        return "\\".join(frame.image_type)
    return attributes.get_text(frame.dataset, keyword)


def _describe_value(value: str, all_values: Iterable[str], keyword: str) -> str:
    """Return the label of an attribute's value; of ImageType only the part that differs."""
    if keyword == "FrameType":
        common = set.intersection(*(set(other.split("\\")) for other in all_values))
        return " ".join(part for part in value.split("\\") if part not in common)
    label_format = _LABEL_FORMATS.get(keyword, "{}")
    return label_format.format(value.replace("\\", " ")) if value else ""


def _stack_sets_by_instance_number(by_position: Sequence[list[Frame]], label: str) -> list[Stack]:
    """Stack the first frame of every position, then the second, and so on."""
    ordered = [sorted(group, key=lambda frame: frame.acquisition_order) for group in by_position]
    note = (
        "Positions are repeated and nothing in the headers says why: the images were "
        "stacked by InstanceNumber."
    )
    return [
        stack
        for n in range(max(map(len, ordered)))
        for stack in place_on_regular_grids(
            _to_object_array([group[n] for group in ordered if len(group) > n]),
            (),
            join_labels(label, f"set {n + 1}"),
            [note],
        )
    ]
