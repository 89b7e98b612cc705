"""What the points of a leading axis are: times, b-values, or numbers that only count."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Axis
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.private_attributes import find_private_diffusion

EVEN_STEP_TOLERANCE = 0.01
"""Values evenly spaced within this share of their step give an axis a step in its unit."""


_DAY = 24 * 3600.0


def read_time_of_day(frame: Frame) -> float | None:
    """Return AcquisitionTime, or ContentTime, in seconds since midnight (PS3.5 VR TM)."""
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionTime", "ContentTime"):
        digits = attributes.get_text(frame.dataset, keyword).replace(":", "")
        if keyword.endswith("DateTime"):
            digits = digits[8:].split("+")[0].split("-")[0]
        try:
            return int(digits[:2]) * 3600 + int(digits[2:4] or 0) * 60 + float(digits[4:] or 0)
        except ValueError:
            continue
    return None


def read_diffusion_weighting(frame: Frame) -> tuple[float, ...] | None:
    """Return b-value, and direction where it has one."""
    b_value = attributes.get_number(frame.dataset, "DiffusionBValue")
    if b_value is None:
        return find_private_diffusion(frame.dataset)
    direction = attributes.get_numbers(frame.dataset, "DiffusionGradientOrientation", 3) or ()
    return (b_value, *direction)


def make_measured_axis(label: str, unit: str, found: Sequence[Hashable]) -> Axis:
    """Return the axis of sorted values, with a step in its unit where they are even."""
    if unit != "pixel":
        at = np.array(found, dtype=float)
        if label == "time":
            at = at - at[0]  # the time of day is nobody's business
        found = tuple(at.tolist())
        step = (at[-1] - at[0]) / (len(at) - 1)
        if np.abs(np.diff(at) - step).max() <= EVEN_STEP_TOLERANCE * step:
            return Axis(label, unit, float(step), found)
    return Axis(label, values=tuple(found))


def identify_axis(frames: NDArray[np.object_], label: str) -> Axis | None:
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
        (first, *others) = {read_diffusion_weighting(frame) for frame in line.ravel()}
        if others or first is None:
            return None
        found.append(first)
    return Axis("b-value", values=tuple(found)) if len(set(found)) > 1 else None


def _timed(frames: NDArray[np.object_]) -> Axis | None:
    """Return the axis of sets of frames by when each set began, if their clocks tell."""
    clocks = [[read_time_of_day(frame) for frame in line.ravel()] for line in frames]
    if any(time is None for line in clocks for time in line):
        return None
    starts = [min(line) for line in unwrap_midnight(clocks)]
    if not (np.diff(starts) > 0).all():
        return None
    return make_measured_axis("time", "s", starts)


def unwrap_midnight(clocks: Sequence[Sequence[Any]]) -> list[list[float]]:
    """Return times of day that increase through midnight.

    The longest pause, round the clock, is when nothing was acquired: the run starts after it.
    """
    times = np.unique([time for line in clocks for time in line]).astype(float)
    pauses = np.diff(times, append=times[:1] + _DAY)
    start = times[(int(np.argmax(pauses)) + 1) % len(times)]
    return [[time + _DAY * (time < start) for time in line] for line in clocks]
