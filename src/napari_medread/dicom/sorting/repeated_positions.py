"""Repeated positions explained: time, b-value, echo and the like as leading axes."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

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
"""Repeated positions are explained by so many attributes at once: windows, intervals, phases."""

_Known = tuple[str, str, Sequence[Sequence[Hashable]]]
"""Label and unit of an attribute, and its value in every frame at every position."""


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


def _number(*keywords: str, scale: float = 1.0) -> Callable[[Frame], float | None]:
    """Return a function that gives the first of some attributes that a frame has."""

    def value(frame: Frame) -> float | None:
        for keyword in keywords:
            number = attributes.get_number(frame.dataset, keyword)
            if number is not None:
                return number * scale
        return None

    return value


# In this order the first that explains all repeated positions is the axis.
_CANDIDATES: tuple[tuple[str, str, Callable[[Frame], Hashable]], ...] = (
    ("time", "s", _number("TemporalPositionTimeOffset")),
    ("temporal position", "pixel", _number("TemporalPositionIdentifier", "TemporalPositionIndex")),
    ("b-value", "pixel", read_diffusion_weighting),
    (
        "trigger time",
        "s",
        _number("TriggerTime", "NominalCardiacTriggerDelayTime", scale=1e-3),
    ),
    ("echo time", "ms", _number("EchoTime", "EffectiveEchoTime")),
    ("time", "s", _number("FrameReferenceTime", scale=1e-3)),
    ("time", "s", read_time_of_day),
    ("acquisition", "pixel", _number("AcquisitionNumber")),
)


def _candidates(frames: Iterable[Frame]) -> list[tuple[str, str, Callable[[Frame], Hashable]]]:
    """Return the candidates, between the two ways in which an object numbers its own frames.

    The vectors of nuclear medicine say all there is. DimensionIndexValues come last: they
    count what an attribute often measures.
    """
    frames = list(frames)
    labels = dict.fromkeys(label for frame in frames for label in frame.axis_indices)
    counted = dict.fromkeys(label for frame in frames for label in frame.dimension_indices)
    return [
        *((label, "pixel", _index(label)) for label in labels),
        *_CANDIDATES,
        *((label, "pixel", _dimension_index(label)) for label in counted),
    ]


def _index(label: str) -> Callable[[Frame], float | None]:
    return lambda frame: frame.axis_indices.get(label)


def _dimension_index(label: str) -> Callable[[Frame], float | None]:
    return lambda frame: frame.dimension_indices.get(label)


def explain_repeated_positions(planes: Sequence[Sequence[Frame]]) -> SortedFrames | None:
    """Explain repeated positions by what the headers say.

    An attribute counts only if its values are unique at each position and the same at
    every position. Where no attribute does alone, several may together. A run that stopped
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
    known: list[_Known] = []
    firm = 0
    for label, unit, function in _candidates(f for plane in planes for f in plane):
        if function is read_time_of_day:
            firm = len(known)
        at: Sequence[Sequence[Hashable]]
        at = [[function(frame) for frame in plane] for plane in planes]
        if all(value is not None for plane in at for value in plane):
            at = unwrap_midnight(at) if function is read_time_of_day else at
            known.append((label, unit, at))
    # From the clock on, attributes only put in order what several others may explain.
    for some in (known[:firm], known):
        found = _by_one(planes, some) or _by_several(planes, some)
        if found is not None:
            return found
    return None


def _by_one(planes: Sequence[Sequence[Frame]], known: Sequence[_Known]) -> SortedFrames | None:
    """Explain repeated positions by the first attribute that does alone."""
    for label, unit, at in known:
        found = _sorted_by(planes, at, whole=_is_whole(planes) and label != "temporal position")
        if found is not None:
            full, frames, notes = found
            if label == "b-value":
                # As acquired, unweighted images in between: what every analysis expects.
                order = sorted(range(len(full)), key=lambda n: frames[n, 0].acquisition_order)
                full, frames = [full[n] for n in order], frames[order]
            axis = identify_axis(frames, label) or make_measured_axis(label, unit, full)
            return SortedFrames(frames, (axis,), notes)
    return None


def _is_whole(planes: Sequence[Sequence[Frame]]) -> bool:
    """Tell whether nothing seems to be missing: every position has as many frames.

    A measured value that a few positions lack then varies from slice to slice, and leaving out
    what it does not explain would lose images. Only a number given to each set says more.
    """
    return len(set(map(len, planes))) == 1


def _sorted_by(
    planes: Sequence[Sequence[Frame]], at: Sequence[Sequence[Hashable]], *, whole: bool
) -> tuple[list[Hashable], NDArray[np.object_], list[str]] | None:
    """Sort frames by one value each, if it is unique at each position and full sets remain.

    Where the run is ``whole``, no set may be left out.
    """
    if any(len(set(plane)) < len(plane) for plane in at):
        return None
    counts = Counter(value for plane in at for value in plane)
    full = sorted((v for v, n in counts.items() if n == len(planes)), key=_sortable)
    partial = len(counts) - len(full)
    # A stopped run lacks its last set, and files get lost; many more partial sets than that
    # mean that this is not the axis.
    if len(full) < 2 or partial > (0 if whole else max(1, len(full) // 2)):
        return None
    lookup = [dict(zip(v, p, strict=True)) for v, p in zip(at, planes, strict=True)]
    frames = np.array([[plane[value] for plane in lookup] for value in full], dtype=object)
    left = sum(n for n in counts.values() if n < len(planes))
    return full, frames, _incomplete(len(full), left)


def _sortable(value: Hashable) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (float(value),)  # type: ignore[arg-type]


def _by_several(
    planes: Sequence[Sequence[Frame]],
    known: Sequence[_Known],
) -> SortedFrames | None:
    """Explain repeated positions by attributes of which every combination is there once."""
    for chosen in itertools.chain.from_iterable(
        itertools.combinations(known, count) for count in range(2, MAX_LEADING_AXES + 1)
    ):
        at = [values_at for _, _, values_at in chosen]
        levels = [sorted({v for plane in one for v in plane}, key=_sortable) for one in at]
        shape = [len(level) for level in levels]
        if min(shape) < 2 or any(len(plane) != math.prod(shape) for plane in planes):
            continue
        keys = [list(zip(*plane, strict=True)) for plane in zip(*at, strict=True)]
        if any(len(set(plane)) < len(plane) for plane in keys):
            continue
        lookup = [dict(zip(k, p, strict=True)) for k, p in zip(keys, planes, strict=True)]
        frames = np.array(
            [[plane[key] for plane in lookup] for key in itertools.product(*levels)], dtype=object
        ).reshape(*shape, len(planes))
        axes = (
            identify_axis(np.moveaxis(frames, n, 0), label)
            or make_measured_axis(label, unit, levels[n])
            for n, (label, unit, _) in enumerate(chosen)
        )
        return SortedFrames(frames, tuple(axes))
    return None


def sort_by_instance_number(planes: Sequence[Sequence[Frame]]) -> SortedFrames | None:
    """Take the n-th frame by InstanceNumber at every position as the n-th set.

    Returns
    -------
    Dimensions or None
        None where InstanceNumber repeats, or positions have very different counts.
    """
    ordered = [sorted(plane, key=lambda f: f.acquisition_order) for plane in planes]
    sets = min(map(len, ordered))
    left = sum(map(len, ordered)) - sets * len(ordered)
    ambiguous = any(
        len({frame.acquisition_order for frame in plane}) < len(plane) for plane in ordered
    )
    if sets < 2 or left >= len(ordered) or ambiguous:
        return None
    # Where an image in the middle is missing, counting would mix the sets after it.
    kept = max(plane[sets - 1].acquisition_order for plane in ordered)
    if any(plane[sets].acquisition_order < kept for plane in ordered if len(plane) > sets):
        return None
    frames = np.array([[plane[n] for plane in ordered] for n in range(sets)], dtype=object)
    axis = identify_axis(frames, "instance") or Axis("instance", values=tuple(range(sets)))
    return SortedFrames(frames, (axis,), _incomplete(sets, left))


def _incomplete(sets: int, left: int) -> list[str]:
    if not left:
        return []
    images = "image" if left == 1 else "images"
    return [f"The run is incomplete: {sets} full sets were kept, {left} {images} left out."]
