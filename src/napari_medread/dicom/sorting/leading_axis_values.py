"""The values along a leading axis: times, b-values, or numbers that only count."""

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
"""Values whose steps are equal within this share give an axis a step in its unit."""

_COUNTED_VALUE_UNITS = {"b-value": "s/mm²"}
"""Units of values along axes whose steps only count (PS3.3 C.8.13.5.9)."""

_SECONDS_PER_DAY = 24 * 3600.0


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
    """Return the b-value, followed by the gradient direction where there is one."""
    b_value = attributes.get_number(frame.dataset, "DiffusionBValue")
    if b_value is None:
        return find_private_diffusion(frame.dataset)
    direction = attributes.get_numbers(frame.dataset, "DiffusionGradientOrientation", 3) or ()
    return (b_value, *direction)


def make_measured_axis(label: str, unit: str, values: Sequence[Hashable]) -> Axis:
    """Return the axis of sorted values, with a step in its unit where they are even.

    Parameters
    ----------
    label, unit : str
        Of the axis. The unit ``"pixel"`` means that the values only count.
    values : sequence
        At least two, increasing.
    """
    if unit != "pixel":
        numbers = np.array(values, dtype=float)
        if label == "time":
            numbers = numbers - numbers[0]  # the time of day could identify the patient
        values = tuple(numbers.tolist())
        step = (numbers[-1] - numbers[0]) / (len(numbers) - 1)
        if np.abs(np.diff(numbers) - step).max() <= EVEN_STEP_TOLERANCE * step:
            return Axis(label, unit, float(step), values)
        return Axis(label, values=values, value_unit=unit)
    return Axis(label, values=tuple(values), value_unit=_COUNTED_VALUE_UNITS.get(label, ""))


def identify_axis(frames: NDArray[np.object_], label: str) -> Axis | None:
    """Return what distinguishes sets of frames of which only the order is known, as an axis.

    Temporal positions become times where the acquisition time of every set is known. Numbered
    acquisitions and instances become b-values where these differ; some may occur more than once.

    Parameters
    ----------
    frames : object array of Frame
        Shape (set, ...).
    label : str
        The axis by which the sets were sorted.
    """
    if label == "temporal position":
        return _make_time_axis(frames)
    if label in ("acquisition", "instance"):
        return _make_diffusion_axis(frames)
    return None


def _make_diffusion_axis(frames: NDArray[np.object_]) -> Axis | None:
    """Return a b-value axis if each set has one b-value and direction, and these differ."""
    weightings = []
    for frame_set in frames:
        (first, *others) = {read_diffusion_weighting(frame) for frame in frame_set.ravel()}
        if others or first is None:
            return None
        weightings.append(first)
    if len(set(weightings)) == 1:
        return None
    return Axis("b-value", values=tuple(weightings), value_unit=_COUNTED_VALUE_UNITS["b-value"])


def _make_time_axis(frames: NDArray[np.object_]) -> Axis | None:
    """Return a time axis of the times at which the sets began, if these increase."""
    times = [[read_time_of_day(frame) for frame in frame_set.ravel()] for frame_set in frames]
    if any(time is None for set_times in times for time in set_times):
        return None
    starts = [min(set_times) for set_times in unwrap_midnight(times)]
    if not (np.diff(starts) > 0).all():
        return None
    return make_measured_axis("time", "s", starts)


def unwrap_midnight(times_of_day: Sequence[Sequence[Any]]) -> list[list[float]]:
    """Return times that increase through midnight, for times of day in seconds.

    The longest pause, taken around the clock, is when nothing was acquired: the acquisition
    starts after it.
    """
    times = np.unique([time for row in times_of_day for time in row]).astype(float)
    pauses = np.diff(times, append=times[:1] + _SECONDS_PER_DAY)
    start = times[(int(np.argmax(pauses)) + 1) % len(times)]
    return [[time + _SECONDS_PER_DAY * (time < start) for time in row] for row in times_of_day]
