"""How a position along an axis is written wherever people read it: from 1, with its value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_medread.core.volume import Axis

_SYMBOLS = {"b-value": "b =", "echo time": "TE"}
"""What is written before a value, so that it is understood without the label of its axis."""

_SHOWN_IN_MS = ("trigger time",)
"""Axes in seconds whose values are read in milliseconds."""

_INCREASING_UNITS = ("s", "ms")
"""Units of values that must increase; b-values are in the order of acquisition."""

_MAX_DECIMALS = 3

_ROUNDING_SHARE = 0.01
"""Share of the smallest step between values by which one may be rounded."""


def format_axis_position(label: str, number: int, total: int) -> str:
    """Return which slice, time point or the like it is: ``Slice 25 of 60``.

    Parameters
    ----------
    label : str
        What is counted: ``Slice``, or the label of a leading axis.
    number, total : int
        Counted from 1.
    """
    return f"{label} {number} of {total}"


def capitalise_label(label: str) -> str:
    """Return the label of an axis with a capital letter, except for b-values."""
    return label if label.startswith("b-") else f"{label[:1].upper()}{label[1:]}"


def format_axis_value(axis: Axis, index: int) -> str:
    """Return the value of a leading axis with its unit: ``6.4 s``, ``b = 928 s/mm²``.

    Empty where the axis only counts, and where its values are not numbers, or are times that do
    not increase.

    Parameters
    ----------
    axis : Axis
    index : int
        From 0, within the axis.
    """
    unit = axis.unit_of_values
    if not unit or axis.label == "slice":
        return ""
    numbers = _find_numbers(axis.values) if axis.values else [0.0, axis.step]
    if numbers is None or (unit in _INCREASING_UNITS and not (np.diff(numbers) > 0).all()):
        return ""
    if axis.values and not 0 <= index < len(numbers):
        return ""
    factor = 1.0
    if axis.label in _SHOWN_IN_MS and unit == "s":
        unit, factor = "ms", 1000.0
    number = numbers[index] if axis.values else index * axis.step
    decimals = _count_decimals(np.array(numbers) * factor)
    # -0.0 + 0.0 is 0.0
    text = f"{round(number * factor, decimals) + 0.0:.{decimals}f} {unit}"
    return " ".join(filter(None, (_SYMBOLS.get(axis.label, ""), text)))


def _find_numbers(values: Sequence[Any]) -> list[float] | None:
    """Return values as numbers, of a b-value with a direction the first; None if some are none."""
    first_values = [value[0] if isinstance(value, tuple | list) else value for value in values]
    try:
        numbers = [float(value) for value in first_values]
    except (TypeError, ValueError):
        return None
    return numbers if np.isfinite(numbers).all() else None


def _count_decimals(numbers: np.ndarray[Any, Any]) -> int:
    """Return the fewest decimals that tell numbers apart, the same for all of them."""
    steps = np.diff(np.unique(numbers))
    tolerance = _ROUNDING_SHARE * (steps.min() if len(steps) else max(abs(numbers[0]), 1.0))
    for decimals in range(_MAX_DECIMALS):
        if np.abs(np.round(numbers, decimals) - numbers).max() <= tolerance:
            return decimals
    return _MAX_DECIMALS
