"""How sizes and spacings are written wherever people read them: columns × rows × slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def order_columns_first(values: Sequence[T], slice_axis: int = 0) -> tuple[T, ...]:
    """Return values of array axes in the order in which people read them.

    Parameters
    ----------
    values : sequence
        One for each array axis: leading axes, and two or three axes of the grid.
    slice_axis : int
        Which of the last three array axes the slices are stacked along. With fewer axes it does
        not count.

    Returns
    -------
    tuple
        Columns, rows, slices, and then the leading axes, the innermost first.
    """
    if len(values) < 3:
        return tuple(reversed(values))
    grid = list(values[-3:])
    slices = grid.pop(slice_axis)
    rows, columns = grid
    return (columns, rows, slices, *reversed(values[:-3]))


def format_size(shape: Sequence[int], slice_axis: int = 0) -> str:
    """Return the shape of an array as text: ``512 × 512 × 300``, columns first.

    Parameters
    ----------
    shape, slice_axis
        As in ``order_columns_first``; without an axis of colours.
    """
    return " × ".join(map(str, order_columns_first(shape, slice_axis)))


def format_spacing(spacing: Sequence[float], slice_axis: int = 0) -> str:
    """Return the spacing of a grid as text: ``0.7 × 0.7 × 3 mm``, columns first.

    Parameters
    ----------
    spacing, slice_axis
        In mm, as in ``order_columns_first``.
    """
    numbers = [f"{n:.4g}" for n in order_columns_first(spacing, slice_axis)]
    return f"{' × '.join(numbers)} mm"
