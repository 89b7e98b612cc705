"""Image positions are split into straight lines: the slices of one stack always lie on one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Indices = NDArray[np.intp]

MAX_DRIFT_PER_MM = 1.0
"""Largest shift in mm within the plane for every mm along the normal.

That is 45 degrees; gantries tilt by up to 30.
"""

MIN_POSITIONS_PER_LINE = 3
"""Positions that need more lines than one for this many positions do not lie on lines at all."""

MAX_LIKELY_LINES = 50
"""More lines than this are only searched for where images lie side by side in one plane."""

MAX_DRIFT_GUESSES = 8
"""Number of drifts tried for each of the last and the second plane."""


def split_at_gaps(numbers: Float, gap: float) -> list[Indices]:
    """Return groups of indices of the sorted numbers, split at steps larger than ``gap``."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order]) > gap) + 1)


def split_into_straight_lines(
    positions: Float, normal: Float, *, max_distance: float, same_plane_gap: float
) -> list[Indices]:
    """Split positions into parallel straight lines.

    Stacks can lie side by side in the same planes, or follow one another with a shift. A tilted
    gantry makes every line lean; a shift of less than a pixel is noise.

    Parameters
    ----------
    positions : (n, 3) array
        Image positions in LPS mm, in any order.
    normal : (3,) array
        Unit vector along which slices are stacked.
    max_distance : float
        Largest distance in mm of a position from its line, within the plane: the pixel size.
    same_plane_gap : float
        Positions no farther apart than this in mm along the normal are in one plane.

    Returns
    -------
    list of array of int
        For each line the indices of its positions. One group of all positions where they do not
        lie on lines.
    """
    distances = positions @ normal
    in_plane = positions - np.outer(distances, normal)
    planes = split_at_gaps(distances, same_plane_gap)
    best: list[Indices] | None = None
    for drift in (np.zeros(3), *_guess_drifts(distances, in_plane, planes)):
        max_lines = MAX_LIKELY_LINES if best is None else len(best) - 1
        without_drift = in_plane - np.outer(distances, drift)
        best = _group_within_distance(without_drift, max_distance, max_lines) or best
        if best is not None and len(best) == 1:
            return best
    # Two images side by side in one plane can never belong to one stack.
    is_side_by_side = any(
        np.linalg.norm(in_plane[plane] - in_plane[plane[0]], axis=1).max() > max_distance
        for plane in planes
    )
    if is_side_by_side and best is None:
        best = _group_within_distance(in_plane, max_distance, len(positions))
    max_lines = max(MIN_POSITIONS_PER_LINE, len(positions) // MIN_POSITIONS_PER_LINE)
    if best is not None and (is_side_by_side or len(best) <= max_lines):
        return best
    return [np.arange(len(positions))]


def _guess_drifts(distances: Float, in_plane: Float, planes: list[Indices]) -> Iterator[Float]:
    """Yield in-plane shifts per mm, (3,), of lines from the first position to later ones."""
    first = planes[0][0]
    last, second = (planes[-1], planes[1]) if len(planes) > 1 else (planes[0][:0],) * 2
    for other in [*last[:MAX_DRIFT_GUESSES], *second[:MAX_DRIFT_GUESSES]]:
        drift = (in_plane[other] - in_plane[first]) / (distances[other] - distances[first])
        if np.linalg.norm(drift) <= MAX_DRIFT_PER_MM:
            yield drift


def _group_within_distance(
    points: Float, max_distance: float, max_groups: int
) -> list[Indices] | None:
    """Group points within a distance of the first of their group; None if too many groups."""
    groups: list[Indices] = []
    remaining = np.arange(len(points))
    while remaining.size:
        if len(groups) == max_groups:
            return None
        to_first = points[remaining] - points[remaining[0]]
        is_near = np.linalg.norm(to_first, axis=1) <= max_distance
        groups.append(remaining[is_near])
        remaining = remaining[~is_near]
    return groups
