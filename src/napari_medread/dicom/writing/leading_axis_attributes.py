"""Leading axes are written as attributes of the images, from which readers restore them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from napari_medread.core.volume import Axis, Volume
from napari_medread.dicom.sorting.repeated_positions import MAX_LEADING_AXES
from napari_medread.dicom.writing.decimal_strings import format_decimal
from napari_medread.errors import CannotWrite

AttributeValues = dict[str, Any]
"""Values by DICOM keyword."""

_SECONDS_PER_DAY = 24 * 3600.0

_ONLY_ORDER_NOTE = "The times of the images were not written, only their order."
"""Note for times that do not increase, or span more than a day."""

_MEASURED_AXES = {"trigger time": ("TriggerTime", 1e3), "echo time": ("EchoTime", 1.0)}
"""Axes of one measured number: keyword, and factor from the unit of the axis to ms."""

_COUNTED_AXES = {
    "temporal position": "TemporalPositionIdentifier",
    "acquisition": "AcquisitionNumber",
}
"""Axes of integers, with their keyword."""


def make_leading_axis_attributes(
    volume: Volume, kind: str
) -> tuple[list[AttributeValues], tuple[str, ...]]:
    """Return the attributes that distinguish the points of the leading axes.

    ``explain_repeated_positions`` restores the axes from them when the files are read.

    Parameters
    ----------
    volume : Volume
        With its leading axes. Axes of one point need no attributes.
    kind : str
        The kind of image, from ``choose_image_kind``.

    Returns
    -------
    attributes : list of dict
        For every point, in C order, values by keyword; one empty dict without leading axes.
    notes : tuple of str
        What the attributes cannot hold.

    Raises
    ------
    CannotWrite
        Where DICOM images have no attributes for the axes.
    """
    lengths = volume.shape[: len(volume.leading)]
    axes = [(axis, n) for axis, n in zip(volume.leading, lengths, strict=True) if n > 1]
    is_positioned = volume.geometry is not None and volume.geometry.ndim == 3
    by_axis = [
        _make_axis_attributes(axis, n, kind, is_positioned=is_positioned, is_only=len(axes) == 1)
        for axis, n in axes
    ]
    known = [points for points in by_axis if points]
    keywords = [keyword for points in known for keyword in points[0]]
    is_ambiguous = len(set(keywords)) < len(keywords)
    if len(known) < len(axes) or is_ambiguous or len(axes) > MAX_LEADING_AXES:
        labels = " and ".join(axis.label for axis, _ in axes)
        raise CannotWrite(
            f"{volume.name}: a DICOM series has no attributes for the "
            f"{'axis' if len(axes) == 1 else 'axes'} {labels}. Write the parts one by one."
        )
    is_untimed = any(axis.label == "time" and _find_times(axis, n) is None for axis, n in axes)
    attributes = [
        dict(itertools.chain.from_iterable(values.items() for values in point))
        for point in itertools.product(*known)
    ]
    return attributes, (_ONLY_ORDER_NOTE,) if is_untimed else ()


def _make_axis_attributes(
    axis: Axis, count: int, kind: str, *, is_positioned: bool, is_only: bool
) -> list[AttributeValues] | None:
    """Return the attributes of each point of one axis, None where there are none for it."""
    if not is_positioned:  # only stacks of slices are put together again when they are read
        return _make_slice_locations(axis, count) if is_only and axis.label == "slice" else None
    if axis.label == "time":
        return _make_temporal_positions(axis, count, kind)
    if axis.label == "b-value":
        return _make_diffusion_attributes(axis, count, is_only=is_only)
    if axis.label == "instance":
        return [{} for _ in range(count)] if is_only else None  # InstanceNumber is enough
    if axis.label in _MEASURED_AXES:
        keyword, factor = _MEASURED_AXES[axis.label]
        numbers = _find_increasing_values(axis, count)
        if numbers is None:
            return None
        return [{keyword: format_decimal(number * factor)} for number in numbers]
    if axis.label in _COUNTED_AXES:
        numbers = _find_increasing_values(axis, count)
        if numbers is None or any(number != int(number) for number in numbers):
            numbers = list(range(1, count + 1))
        return [{_COUNTED_AXES[axis.label]: int(number)} for number in numbers]
    return None


def _find_increasing_values(axis: Axis, count: int) -> list[float] | None:
    """Return the values of an axis if they are increasing numbers: in this order they are read."""
    try:
        values = np.array(axis.values, dtype=float)
    except (TypeError, ValueError):  # names, or b-values with and without directions
        return None
    if values.shape != (count,) or not np.isfinite(values).all() or (np.diff(values) <= 0).any():
        return None
    return [float(value) for value in values]


def _find_times(axis: Axis, count: int) -> list[float] | None:
    """Return the times in seconds since the first, if they fit in a day and increase."""
    times = _find_increasing_values(axis, count)
    if times is None and not axis.values and axis.unit == "s":
        times = [n * axis.step for n in range(count)]
    if times is None or times[-1] - times[0] >= _SECONDS_PER_DAY:
        return None
    return [time - times[0] for time in times]


def _make_temporal_positions(axis: Axis, count: int, kind: str) -> list[AttributeValues]:
    """Return temporal positions, with times that count from midnight: no real time of day."""
    points: list[AttributeValues] = [
        {"TemporalPositionIdentifier": n + 1, "NumberOfTemporalPositions": count}
        for n in range(count)
    ]
    times = _find_times(axis, count)
    for point, time in zip(points, times or (), strict=False):
        point["AcquisitionTime"] = _format_time_of_day(time)
        if kind == "PT":
            point["FrameReferenceTime"] = format_decimal(time * 1000)
    if times and kind == "MR" and axis.unit == "s":
        for point in points:
            point["TemporalResolution"] = format_decimal(axis.step * 1000)
    return points


def _format_time_of_day(seconds: float) -> str:
    """Return a time in seconds since midnight as PS3.5 VR TM."""
    minutes, microseconds = divmod(round(seconds * 1e6), 60_000_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}{minutes:02d}{microseconds // 1_000_000:02d}.{microseconds % 1_000_000:06d}"


def _make_diffusion_attributes(
    axis: Axis, count: int, *, is_only: bool
) -> list[AttributeValues] | None:
    """Return b-values and directions, and acquisition numbers where b-values may be repeated."""
    weightings = [v if isinstance(v, tuple | list) else (v,) for v in axis.values]
    if len(weightings) != count or any(len(weighting) not in (1, 4) for weighting in weightings):
        return None
    if not is_only and len({tuple(weighting) for weighting in weightings}) < count:
        return None
    points: list[AttributeValues] = []
    for n, (b_value, *direction) in enumerate(weightings):
        point: AttributeValues = {"DiffusionBValue": float(b_value)}
        if direction:
            point["DiffusionGradientOrientation"] = [float(x) for x in direction]
        if is_only:
            point["AcquisitionNumber"] = n + 1
        points.append(point)
    return points


def _make_slice_locations(axis: Axis, count: int) -> list[AttributeValues]:
    """Return SliceLocation from high to low, as slices are sorted, where the spacing is known."""
    if axis.unit != "mm":
        return [{} for _ in range(count)]
    return [{"SliceLocation": format_decimal(-n * axis.step)} for n in range(count)]
