"""Repeated positions are explained as leading axes: time, b-value, echo time and the like."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Axis
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.sorting.leading_axis_values import (
    identify_axis,
    make_measured_axis,
    read_diffusion_weighting,
    read_time_of_day,
    unwrap_midnight,
)

MAX_LEADING_AXES = 3
"""Most attributes that together explain repeated positions: windows, intervals, phases."""

FramesByPosition = Sequence[Sequence[Frame]]
"""The frames at each position, sorted by position."""

_ReadValue = Callable[[Frame], Hashable]


@dataclass
class SortedFrames:
    """Frames sorted along leading axes.

    Attributes
    ----------
    frames : object array of Frame
        Shape (*leading, slice).
    axes : tuple of Axis
        The leading axes with their values.
    notes : list of str
        What was left out.
    """

    frames: NDArray[np.object_]
    axes: tuple[Axis, ...]
    notes: list[str] = field(default_factory=list)


class _Candidate(NamedTuple):
    """An attribute that may explain repeated positions; the unit of numbers that count is pixel."""

    label: str
    unit: str
    read_value: _ReadValue


class _AttributeValues(NamedTuple):
    """A candidate that all frames have, with its value for every frame at every position."""

    label: str
    unit: str
    values: Sequence[Sequence[Hashable]]


def _first_number_of(*keywords: str, scale: float = 1.0) -> _ReadValue:
    """Return a function that reads the first of some attributes that a frame has, scaled."""

    def read_value(frame: Frame) -> float | None:
        for keyword in keywords:
            number = attributes.get_number(frame.dataset, keyword)
            if number is not None:
                return number * scale
        return None

    return read_value


# The first of these that explains all repeated positions becomes the axis.
_CANDIDATES = (
    _Candidate("time", "s", _first_number_of("TemporalPositionTimeOffset")),
    _Candidate(
        "temporal position",
        "pixel",
        _first_number_of("TemporalPositionIdentifier", "TemporalPositionIndex"),
    ),
    _Candidate("b-value", "pixel", read_diffusion_weighting),
    _Candidate(
        "trigger time",
        "s",
        _first_number_of("TriggerTime", "NominalCardiacTriggerDelayTime", scale=1e-3),
    ),
    _Candidate("echo time", "ms", _first_number_of("EchoTime", "EffectiveEchoTime")),
    _Candidate("time", "s", _first_number_of("FrameReferenceTime", scale=1e-3)),
    _Candidate("time", "s", read_time_of_day),
    _Candidate("acquisition", "pixel", _first_number_of("AcquisitionNumber")),
)


def _list_candidates(frames: Iterable[Frame]) -> list[_Candidate]:
    """Return the candidates for some frames, in the order in which they are tried.

    The vectors of nuclear medicine come first: they are complete. DimensionIndexValues come last:
    they count what an attribute often measures.
    """
    frames = list(frames)
    vector_labels = dict.fromkeys(label for frame in frames for label in frame.axis_indices)
    index_labels = dict.fromkeys(label for frame in frames for label in frame.dimension_indices)
    return [
        *(_Candidate(label, "pixel", _axis_index_of(label)) for label in vector_labels),
        *_CANDIDATES,
        *(_Candidate(label, "pixel", _dimension_index_of(label)) for label in index_labels),
    ]


def _axis_index_of(label: str) -> _ReadValue:
    return lambda frame: frame.axis_indices.get(label)


def _dimension_index_of(label: str) -> _ReadValue:
    return lambda frame: frame.dimension_indices.get(label)


def explain_repeated_positions(by_position: FramesByPosition) -> SortedFrames | None:
    """Explain repeated positions by attributes, as leading axes.

    An attribute explains them only if its values are unique at each position and the same at
    every position. Where no attribute does alone, several may together. Of an acquisition that
    was stopped early, the complete sets are kept.

    Parameters
    ----------
    by_position : sequence of sequence of Frame
        The frames at each position, sorted by position.

    Returns
    -------
    SortedFrames or None
        None where no attribute explains them.
    """
    known: list[_AttributeValues] = []
    measured_count = 0
    for label, unit, read_value in _list_candidates(f for group in by_position for f in group):
        if read_value is read_time_of_day:
            measured_count = len(known)
        values: Sequence[Sequence[Hashable]]
        values = [[read_value(frame) for frame in group] for group in by_position]
        if all(value is not None for group in values for value in group):
            values = unwrap_midnight(values) if read_value is read_time_of_day else values
            known.append(_AttributeValues(label, unit, values))
    # The time of day and what follows it only give an order to images that several of the other
    # attributes may explain.
    for candidates in (known[:measured_count], known):
        explained = _explain_by_one_attribute(by_position, candidates)
        explained = explained or _explain_by_several_attributes(by_position, candidates)
        if explained is not None:
            return explained
    return None


def _explain_by_one_attribute(
    by_position: FramesByPosition, candidates: Sequence[_AttributeValues]
) -> SortedFrames | None:
    """Explain repeated positions by the first attribute that does so alone."""
    for label, unit, values in candidates:
        is_complete = _is_complete(by_position) and label != "temporal position"
        sets = _sort_by_values(by_position, values, is_complete=is_complete)
        if sets is None:
            continue
        set_values, frames, notes = sets
        if label == "b-value":
            # In the order of acquisition, unweighted images in between, as analysis expects.
            order = sorted(range(len(set_values)), key=lambda n: frames[n, 0].acquisition_order)
            set_values, frames = [set_values[n] for n in order], frames[order]
        axis = identify_axis(frames, label) or make_measured_axis(label, unit, set_values)
        return SortedFrames(frames, (axis,), notes)
    return None


def _is_complete(by_position: FramesByPosition) -> bool:
    """Return whether no frame seems to be missing: every position has equally many.

    A measured value that only some positions have then varies from slice to slice, and leaving out
    what it does not explain would lose images. Only a number given to each set is more reliable.
    """
    return len(set(map(len, by_position))) == 1


def _sort_by_values(
    by_position: FramesByPosition, values: Sequence[Sequence[Hashable]], *, is_complete: bool
) -> tuple[list[Hashable], NDArray[np.object_], list[str]] | None:
    """Sort frames into sets of one value, if it is unique at each position.

    Returns
    -------
    tuple or None
        The value of each complete set, the frames as (set, slice), and notes. None where the value
        explains nothing, or where ``is_complete`` and sets would be left out.
    """
    if any(len(set(group)) < len(group) for group in values):
        return None
    counts = Counter(value for group in values for value in group)
    complete = [value for value, count in counts.items() if count == len(by_position)]
    complete = sorted(complete, key=_sort_key)
    partial = len(counts) - len(complete)
    # A stopped acquisition lacks its last set, and files get lost; if many more sets than that are
    # partial, this is not the axis.
    if len(complete) < 2 or partial > (0 if is_complete else max(1, len(complete) // 2)):
        return None
    lookup = [dict(zip(v, f, strict=True)) for v, f in zip(values, by_position, strict=True)]
    frames = np.array([[group[value] for group in lookup] for value in complete], dtype=object)
    left_out = sum(count for count in counts.values() if count < len(by_position))
    return complete, frames, _describe_incomplete(len(complete), left_out)


def _sort_key(value: Hashable) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (float(value),)  # type: ignore[arg-type]


def _explain_by_several_attributes(
    by_position: FramesByPosition, candidates: Sequence[_AttributeValues]
) -> SortedFrames | None:
    """Explain repeated positions by attributes whose every combination occurs exactly once."""
    for chosen in itertools.chain.from_iterable(
        itertools.combinations(candidates, count) for count in range(2, MAX_LEADING_AXES + 1)
    ):
        values = [attribute.values for attribute in chosen]
        levels = [
            sorted(set(itertools.chain.from_iterable(attribute.values)), key=_sort_key)
            for attribute in chosen
        ]
        shape = [len(level) for level in levels]
        if min(shape) < 2 or any(len(group) != math.prod(shape) for group in by_position):
            continue
        keys = [list(zip(*group, strict=True)) for group in zip(*values, strict=True)]
        if any(len(set(group)) < len(group) for group in keys):
            continue
        lookup = [dict(zip(k, f, strict=True)) for k, f in zip(keys, by_position, strict=True)]
        frames = np.array(
            [[group[key] for group in lookup] for key in itertools.product(*levels)], dtype=object
        ).reshape(*shape, len(by_position))
        axes = (
            identify_axis(np.moveaxis(frames, n, 0), attribute.label)
            or make_measured_axis(attribute.label, attribute.unit, levels[n])
            for n, attribute in enumerate(chosen)
        )
        return SortedFrames(frames, tuple(axes))
    return None


def sort_by_instance_number(by_position: FramesByPosition) -> SortedFrames | None:
    """Take the n-th frame by InstanceNumber at every position as the n-th set.

    Returns
    -------
    SortedFrames or None
        None where InstanceNumber repeats, or positions have very different counts.
    """
    ordered = [sorted(group, key=lambda f: f.acquisition_order) for group in by_position]
    set_count = min(map(len, ordered))
    left_out = sum(map(len, ordered)) - set_count * len(ordered)
    is_ambiguous = any(
        len({frame.acquisition_order for frame in group}) < len(group) for group in ordered
    )
    if set_count < 2 or left_out >= len(ordered) or is_ambiguous:
        return None
    # Where an image in the middle is missing, counting would mix the sets after it.
    last_kept = max(group[set_count - 1].acquisition_order for group in ordered)
    if any(
        group[set_count].acquisition_order < last_kept
        for group in ordered
        if len(group) > set_count
    ):
        return None
    frames = np.array([[group[n] for group in ordered] for n in range(set_count)], dtype=object)
    axis = identify_axis(frames, "instance") or Axis("instance", values=tuple(range(set_count)))
    return SortedFrames(frames, (axis,), _describe_incomplete(set_count, left_out))


def _describe_incomplete(set_count: int, left_out: int) -> list[str]:
    if not left_out:
        return []
    images = "1 image" if left_out == 1 else f"{left_out} images"
    return [f"The acquisition is incomplete: kept {set_count} full sets, left out {images}."]
