"""The points of a volume's leading axes as attributes of its images."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from napari_medread.core.volume import Axis, Volume
from napari_medread.dicom.sorting.repeated_positions import MAX_LEADING_AXES
from napari_medread.dicom.writing.slice_layout import format_decimal
from napari_medread.errors import CannotWrite

AttributeValues = dict[str, Any]

_DAY = 24 * 3600.0

_ORDER_ALONE = "The times of the images were not written, only their order."
"""The note on times that do not increase, or go on for more than a day."""

_MEASURED = {"trigger time": ("TriggerTime", 1e3), "echo time": ("EchoTime", 1.0)}
"""Axes of one measured number: its attribute, and what takes the axis's unit to that in ms."""

_COUNTED = {
    "temporal position": "TemporalPositionIdentifier",
    "acquisition": "AcquisitionNumber",
}
"""Axes of whole numbers."""


def make_leading_axis_attributes(
    volume: Volume, kind: str
) -> tuple[list[AttributeValues], tuple[str, ...]]:
    """Return the attributes that set the points of the leading axes apart.

    They are those by which ``dimensions`` explains repeated positions.

    Parameters
    ----------
    volume : Volume
        With its leading axes; those of one point have nothing to set apart.
    kind : str
        The kind of image, as ``derived.kind_of`` has it.

    Returns
    -------
    attributes : list of dict
        For every point, in C order, values by keyword; one empty one without leading axes.
    notes : tuple of str
        What the images do not say about them.

    Raises
    ------
    CannotWrite
        Where the images of a series have no attributes for the axes.
    """
    lengths = volume.shape[: len(volume.leading)]
    axes = [(axis, n) for axis, n in zip(volume.leading, lengths, strict=True) if n > 1]
    placed = volume.geometry is not None and volume.geometry.ndim == 3
    told = [_along(axis, n, kind, placed=placed, alone=len(axes) == 1) for axis, n in axes]
    used = [keyword for found in told for keyword in (found[0] if found else ())]
    if not all(told) or len(set(used)) < len(used) or len(axes) > MAX_LEADING_AXES:
        raise CannotWrite(
            f"{volume.name}: the images of a DICOM series have no attributes that tell of "
            f"{' and '.join(axis.label for axis, _ in axes)}. Write its parts one by one."
        )
    untimed = any(axis.label == "time" and _times(axis, n) is None for axis, n in axes)
    product = itertools.product(*(found for found in told if found))
    return [dict(itertools.chain.from_iterable(at.items() for at in each)) for each in product], (
        (_ORDER_ALONE,) if untimed else ()
    )


def _along(
    axis: Axis, count: int, kind: str, *, placed: bool, alone: bool
) -> list[AttributeValues] | None:
    """Return what sets the points of one axis apart, None where nothing can."""
    if not placed:  # only a pile of slices is put together again
        return _locations(axis, count) if alone and axis.label == "slice" else None
    if axis.label == "time":
        return _moments(axis, count, kind)
    if axis.label == "b-value":
        return _weightings(axis, count, alone=alone)
    if axis.label == "instance":
        return [{} for _ in range(count)] if alone else None  # InstanceNumber tells
    if axis.label in _MEASURED:
        keyword, factor = _MEASURED[axis.label]
        numbers = _increasing(axis, count)
        return None if numbers is None else [{keyword: format_decimal(n * factor)} for n in numbers]
    if axis.label in _COUNTED:
        numbers = _increasing(axis, count)
        if numbers is None or any(n != int(n) for n in numbers):
            numbers = list(range(1, count + 1))
        return [{_COUNTED[axis.label]: int(n)} for n in numbers]
    return None


def _increasing(axis: Axis, count: int) -> list[float] | None:
    """Return an axis's values if they are numbers that increase, in which order they are read."""
    try:
        found = np.array(axis.values, dtype=float)
    except (TypeError, ValueError):  # names, or b-values with and without directions
        return None
    if found.shape != (count,) or not np.isfinite(found).all() or (np.diff(found) <= 0).any():
        return None
    return [float(n) for n in found]


def _times(axis: Axis, count: int) -> list[float] | None:
    """Return the times in seconds since the first, if a clock can show them all."""
    found = _increasing(axis, count)
    if found is None and not axis.values and axis.unit == "s":
        found = [n * axis.step for n in range(count)]
    if found is None or found[-1] - found[0] >= _DAY:
        return None
    return [time - found[0] for time in found]


def _moments(axis: Axis, count: int, kind: str) -> list[AttributeValues]:
    """Return temporal positions, with times that count from midnight: no real time of day."""
    found: list[AttributeValues] = [
        {"TemporalPositionIdentifier": n + 1, "NumberOfTemporalPositions": count}
        for n in range(count)
    ]
    times = _times(axis, count)
    for at, time in zip(found, times or (), strict=False):
        at["AcquisitionTime"] = _clock(time)
        if kind == "PT":
            at["FrameReferenceTime"] = format_decimal(time * 1000)
    if times and kind == "MR" and axis.unit == "s":
        for at in found:
            at["TemporalResolution"] = format_decimal(axis.step * 1000)
    return found


def _clock(seconds: float) -> str:
    """Spell a time since midnight (PS3.5 VR TM)."""
    minutes, microseconds = divmod(round(seconds * 1e6), 60_000_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}{minutes:02d}{microseconds // 1_000_000:02d}.{microseconds % 1_000_000:06d}"


def _weightings(axis: Axis, count: int, *, alone: bool) -> list[AttributeValues] | None:
    """Return b-values and directions; the acquisition too, as they may be repeated."""
    values = [v if isinstance(v, tuple | list) else (v,) for v in axis.values]
    if len(values) != count or any(len(v) not in (1, 4) for v in values):
        return None
    if not alone and len({tuple(v) for v in values}) < count:
        return None
    found: list[AttributeValues] = []
    for n, (b_value, *direction) in enumerate(values):
        at: AttributeValues = {"DiffusionBValue": float(b_value)}
        if direction:
            at["DiffusionGradientOrientation"] = [float(x) for x in direction]
        if alone:
            at["AcquisitionNumber"] = n + 1
        found.append(at)
    return found


def _locations(axis: Axis, count: int) -> list[AttributeValues]:
    """Return SliceLocation from high to low where the spacing is known, as piles are sorted."""
    if axis.unit != "mm":
        return [{} for _ in range(count)]
    return [{"SliceLocation": format_decimal(-n * axis.step)} for n in range(count)]
