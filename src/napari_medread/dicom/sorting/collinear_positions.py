"""Which positions lie on one straight line: a stack never bends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Indices = NDArray[np.intp]

MAX_DRIFT_PER_MM = 1.0
"""A line may drift by this many mm within the plane for every mm along the normal.

That is 45 degrees; gantries tilt by up to 30.
"""

MIN_POSITIONS_PER_LINE = 3
"""Positions that need more lines than one for so many of them do not lie on lines at all."""

MAX_LIKELY_LINES = 50
"""More lines than this are only looked for where images lie side by side."""

_GUESSES = 8
"""So many directions are tried on either side."""


def split_at_gaps(numbers: Float, gap: float) -> list[Indices]:
    """Return the indices of numbers, sorted, split where two are more than ``gap`` apart."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order]) > gap) + 1)


def split_into_straight_lines(
    positions: Float, normal: Float, *, reach: float, gap: float
) -> list[Indices]:
    """Split positions into lines of one direction.

    Stacks can lie side by side in the same planes, or follow one another with a shift. A tilted
    gantry makes every line lean; a shift smaller than a pixel is noise.

    Parameters
    ----------
    positions : (n, 3) array
        Image positions in LPS mm, in any order.
    normal : (3,) array
        Unit vector along which slices are stacked.
    reach : float
        How far in mm a position may lie beside its line: the size of a pixel.
    gap : float
        Positions closer than this along the normal are in one plane.

    Returns
    -------
    list of array of int
        For each line the indices of its positions. All in one, where there is no line.
    """
    along = positions @ normal
    within = positions - np.outer(along, normal)
    planes = split_at_gaps(along, gap)
    best: list[Indices] | None = None
    for drift in (np.zeros(3), *_drifts(along, within, planes)):
        most = MAX_LIKELY_LINES if best is None else len(best) - 1
        best = _together(within - np.outer(along, drift), reach, most) or best
        if best is not None and len(best) == 1:
            return best
    # Two in one plane but not in one place can be in one stack under no circumstances.
    beside = any(
        np.linalg.norm(within[plane] - within[plane[0]], axis=1).max() > reach for plane in planes
    )
    if beside and best is None:
        best = _together(within, reach, len(positions))
    if best is not None and (
        beside or len(best) <= max(MIN_POSITIONS_PER_LINE, len(positions) // MIN_POSITIONS_PER_LINE)
    ):
        return best
    return [np.arange(len(positions))]


def _drifts(along: Float, within: Float, planes: list[Indices]) -> Iterator[Float]:
    """Yield shifts per mm, (3,), of lines through the first position, as others suggest them."""
    first = planes[0][0]
    last, second = (planes[-1], planes[1]) if len(planes) > 1 else (planes[0][:0],) * 2
    for other in [*last[:_GUESSES], *second[:_GUESSES]]:
        drift = (within[other] - within[first]) / (along[other] - along[first])
        if np.linalg.norm(drift) <= MAX_DRIFT_PER_MM:
            yield drift


def _together(places: Float, reach: float, most: int) -> list[Indices] | None:
    """Group places, each group within reach of its first member; None if there are too many."""
    groups: list[Indices] = []
    left = np.arange(len(places))
    while left.size:
        if len(groups) == most:
            return None
        near = np.linalg.norm(places[left] - places[left[0]], axis=1) <= reach
        groups.append(left[near])
        left = left[~near]
    return groups
