"""Repeated positions explained: time, b-value, echo and the like as leading axes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Axis
from napari_medread.dicom import values
from napari_medread.dicom.frames import Frame
from napari_medread.dicom.private import private_diffusion

STEADY = 0.01
"""Values evenly spaced within this share of their step give an axis a step in its unit."""


@dataclass
class Dimensions:
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


def _number(*keywords: str, scale: float = 1.0) -> Callable[[Frame], float | None]:
    """Return a function that gives the first of some attributes that a frame has."""

    def value(frame: Frame) -> float | None:
        for keyword in keywords:
            number = values.number(frame.dataset, keyword)
            if number is not None:
                return number * scale
        return None

    return value


def clock(frame: Frame) -> float | None:
    """Return AcquisitionTime, or ContentTime, in seconds since midnight (PS3.5 VR TM)."""
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionTime", "ContentTime"):
        digits = values.text(frame.dataset, keyword).replace(":", "")
        if keyword.endswith("DateTime"):
            digits = digits[8:].split("+")[0].split("-")[0]
        try:
            return int(digits[:2]) * 3600 + int(digits[2:4] or 0) * 60 + float(digits[4:] or 0)
        except ValueError:
            continue
    return None


def _diffusion(frame: Frame) -> tuple[float, ...] | None:
    b_value = values.number(frame.dataset, "DiffusionBValue")
    if b_value is None:
        return private_diffusion(frame.dataset)
    direction = values.numbers(frame.dataset, "DiffusionGradientOrientation", 3) or ()
    return (b_value, *direction)


_DAY = 24 * 3600.0

# In this order the first that explains all repeated positions is the axis.
_CANDIDATES: tuple[tuple[str, str, Callable[[Frame], Hashable]], ...] = (
    ("time", "s", _number("TemporalPositionTimeOffset")),
    ("temporal position", "pixel", _number("TemporalPositionIdentifier", "TemporalPositionIndex")),
    ("b-value", "pixel", _diffusion),
    (
        "trigger time",
        "s",
        _number("TriggerTime", "NominalCardiacTriggerDelayTime", scale=1e-3),
    ),
    ("echo time", "ms", _number("EchoTime", "EffectiveEchoTime")),
    ("time", "s", _number("FrameReferenceTime", scale=1e-3)),
    ("time", "s", clock),
    ("acquisition", "pixel", _number("AcquisitionNumber")),
)


def _candidates(frames: Iterable[Frame]) -> list[tuple[str, str, Callable[[Frame], Hashable]]]:
    """Return the candidates, between the two ways in which an object numbers its own frames.

    The vectors of nuclear medicine say all there is. DimensionIndexValues come last: they
    count what an attribute often measures.
    """
    frames = list(frames)
    labels = dict.fromkeys(label for frame in frames for label in frame.indices)
    counted = dict.fromkeys(label for frame in frames for label in frame.dimension_indices)
    return [
        *((label, "pixel", _index(label)) for label in labels),
        *_CANDIDATES,
        *((label, "pixel", _dimension_index(label)) for label in counted),
    ]


def _index(label: str) -> Callable[[Frame], float | None]:
    return lambda frame: frame.indices.get(label)


def _dimension_index(label: str) -> Callable[[Frame], float | None]:
    return lambda frame: frame.dimension_indices.get(label)


def find_dimensions(planes: Sequence[Sequence[Frame]]) -> Dimensions | None:
    """Explain repeated positions by what the headers say.

    An attribute counts only if its values are unique at each position and the same at
    every position. Where no attribute does alone, two may together. A run that stopped
    early keeps its full sets.

    Parameters
    ----------
    planes : sequence of sequence of Frame
        The frames at each position, by position.

    Returns
    -------
    Dimensions or None
        None where no attribute explains them.
    """
    known: list[tuple[str, str, Sequence[Sequence[Hashable]]]] = []
    for label, unit, function in _candidates(f for plane in planes for f in plane):
        at: Sequence[Sequence[Hashable]]
        at = [[function(frame) for frame in plane] for plane in planes]
        if all(value is not None for plane in at for value in plane):
            at = _past_midnight(at) if function is clock else at
            known.append((label, unit, at))
    for label, unit, at in known:
        found = _sorted_by(planes, at)
        if found is not None:
            full, frames, notes = found
            axis = _meaning(frames, label) or _axis(label, unit, full)
            return Dimensions(frames, (axis,), notes)
    return _by_two(planes, known)


def _sorted_by(
    planes: Sequence[Sequence[Frame]], at: Sequence[Sequence[Hashable]]
) -> tuple[list[Hashable], NDArray[np.object_], list[str]] | None:
    """Sort frames by one value each, if it is unique at each position and full sets remain."""
    if any(len(set(plane)) < len(plane) for plane in at):
        return None
    counts = Counter(value for plane in at for value in plane)
    full = sorted((v for v, n in counts.items() if n == len(planes)), key=_sortable)
    partial = len(counts) - len(full)
    # A stopped run lacks its last set or two; more means that this is not the axis.
    if len(full) < 2 or partial > max(1, len(full) // 10):
        return None
    lookup = [dict(zip(v, p, strict=True)) for v, p in zip(at, planes, strict=True)]
    frames = np.array([[plane[value] for plane in lookup] for value in full], dtype=object)
    notes = []
    if partial:
        left = sum(n for n in counts.values() if n < len(planes))
        notes.append(
            f"The run is incomplete: {len(full)} full sets were kept, {left} images left out."
        )
    return full, frames, notes


def _sortable(value: Hashable) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (float(value),)  # type: ignore[arg-type]


def _by_two(
    planes: Sequence[Sequence[Frame]],
    known: Sequence[tuple[str, str, Sequence[Sequence[Hashable]]]],
) -> Dimensions | None:
    """Explain repeated positions by two attributes, of which every combination is there."""
    for (label, unit, first), (other_label, other_unit, second) in itertools.combinations(known, 2):
        pairs = [list(zip(a, b, strict=True)) for a, b in zip(first, second, strict=True)]
        outer = sorted({v for plane in first for v in plane}, key=_sortable)
        inner = sorted({v for plane in second for v in plane}, key=_sortable)
        wanted = set(itertools.product(outer, inner))
        if min(len(outer), len(inner)) < 2 or any(
            len(plane) != len(wanted) or set(plane) != wanted for plane in pairs
        ):
            continue
        lookup = [dict(zip(v, p, strict=True)) for v, p in zip(pairs, planes, strict=True)]
        frames = np.array(
            [[[plane[a, b] for plane in lookup] for b in inner] for a in outer], dtype=object
        )
        return Dimensions(
            frames,
            (
                _meaning(frames, label) or _axis(label, unit, outer),
                _meaning(frames.swapaxes(0, 1), other_label)
                or _axis(other_label, other_unit, inner),
            ),
        )
    return None


def by_instance(planes: Sequence[Sequence[Frame]]) -> Dimensions | None:
    """Take the n-th frame by InstanceNumber at every position as the n-th set.

    Returns
    -------
    Dimensions or None
        None where InstanceNumber repeats, or positions have very different counts.
    """
    ordered = [sorted(plane, key=lambda f: f.order) for plane in planes]
    sets = min(map(len, ordered))
    left = sum(map(len, ordered)) - sets * len(ordered)
    ambiguous = any(len({frame.order for frame in plane}) < len(plane) for plane in ordered)
    if sets < 2 or left >= len(ordered) or ambiguous:
        return None
    frames = np.array([[plane[n] for plane in ordered] for n in range(sets)], dtype=object)
    notes = []
    if left:
        notes.append(f"The run is incomplete: {sets} full sets were kept, {left} images left out.")
    axis = _meaning(frames, "instance") or Axis("instance", values=tuple(range(sets)))
    return Dimensions(frames, (axis,), notes)


def _axis(label: str, unit: str, found: Sequence[Hashable]) -> Axis:
    """Return the axis of sorted values, with a step in its unit where they are even."""
    if unit != "pixel":
        at = np.array(found, dtype=float)
        if label == "time":
            at = at - at[0]  # the time of day is nobody's business
        found = tuple(at.tolist())
        step = (at[-1] - at[0]) / (len(at) - 1)
        if np.abs(np.diff(at) - step).max() <= STEADY * step:
            return Axis(label, unit, float(step), found)
    return Axis(label, values=tuple(found))


def _meaning(frames: NDArray[np.object_], label: str) -> Axis | None:
    """Return the axis of sets of frames by what the sets were, where only their order is known.

    Temporal positions are times where clocks tell when each set began. What is only numbered may
    have been acquired with several b-values, some of them more than once.

    Parameters
    ----------
    frames : object array
        Shape (set, ...).
    label : str
        The axis by which the sets were sorted.
    """
    if label == "temporal position":
        return _timed(frames)
    if label in ("acquisition", "instance"):
        return _weighted(frames)
    return None


def _weighted(frames: NDArray[np.object_]) -> Axis | None:
    """Return the axis of sets that each have one b-value and direction, if these differ."""
    found = []
    for line in frames:
        (first, *others) = {_diffusion(frame) for frame in line.ravel()}
        if others or first is None:
            return None
        found.append(first)
    return Axis("b-value", values=tuple(found)) if len(set(found)) > 1 else None


def _timed(frames: NDArray[np.object_]) -> Axis | None:
    """Return the axis of sets of frames by when each set began, if their clocks tell."""
    clocks = [[clock(frame) for frame in line.ravel()] for line in frames]
    if any(time is None for line in clocks for time in line):
        return None
    starts = [min(line) for line in _past_midnight(clocks)]
    if not (np.diff(starts) > 0).all():
        return None
    return _axis("time", "s", starts)


def _past_midnight(clocks: Sequence[Sequence[Any]]) -> list[list[float]]:
    """Return times of day that increase through midnight.

    The longest pause, round the clock, is when nothing was acquired: the run starts after it.
    """
    times = np.unique([time for line in clocks for time in line]).astype(float)
    pauses = np.diff(times, append=times[:1] + _DAY)
    start = times[(int(np.argmax(pauses)) + 1) % len(times)]
    return [[time + _DAY * (time < start) for time in line] for line in clocks]
