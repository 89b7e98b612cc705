"""From slice positions to regular grids: uniform, with gaps, in runs, or irregular."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

UNIFORM = 0.01
"""Slices are evenly spaced if each lies within this share of the spacing of its place."""

ROUNDING = 0.01
"""... or within this many mm: positions are often written with two decimals."""

LEAST_RUN = 3
"""Slices in a row with one spacing that make a run of their own, rather than gaps."""


@dataclass(frozen=True)
class Grid:
    """A regular grid along the slice normal, and which slice lies where.

    Attributes
    ----------
    slices : tuple of int or None
        For each plane of the grid the index of its slice, None where there is none.
    step : (3,) array
        From one plane to the next in LPS mm, with the shear of a tilted gantry.
    places : tuple of float
        Positions of the slices in planes, for a resampled grid.
    planes : int
        Number of planes.
    """

    slices: tuple[int | None, ...]
    step: Float
    places: tuple[float, ...] = ()
    planes: int = 0

    @property
    def resampled(self) -> bool:
        """Whether the slices lie between the planes and must be interpolated."""
        return bool(self.places)

    @property
    def missing(self) -> tuple[int, ...]:
        """Indices of the planes without a slice."""
        return tuple(n for n, s in enumerate(self.slices) if s is None)


def tolerance(spacing: float) -> float:
    """Return how far in mm a slice may lie from its place."""
    return max(UNIFORM * abs(spacing), ROUNDING)


def regular_grids(positions: Float, normal: Float) -> list[Grid]:
    """Put slices on as few regular grids as hold them exactly.

    Parameters
    ----------
    positions : (n, 3) array
        Image positions in LPS mm, sorted along the normal, at least two, all distinct.
    normal : (3,) array
        The slice normal, of unit length.

    Returns
    -------
    list of Grid
        One grid where the spacing is uniform, or uniform but for missing slices, or
        irregular throughout; several where it changes from run to run.
    """
    along = positions @ normal
    if _is_even(positions, along):
        return [Grid(tuple(range(len(along))), _step(positions))]
    return (
        _with_gaps(positions, along) or _in_runs(positions, along) or [_resampled(positions, along)]
    )


def _step(positions: Float) -> Float:
    return np.asarray((positions[-1] - positions[0]) / (len(positions) - 1))


def _is_even(positions: Float, along: Float, at: Float | None = None) -> bool:
    """Tell whether positions lie evenly on one line, at the given places on it."""
    at = np.arange(len(along), dtype=float) if at is None else at
    step = (positions[-1] - positions[0]) / at[-1]
    spacing = (along[-1] - along[0]) / at[-1]
    off = positions - positions[0] - np.outer(at, step)
    return bool(np.linalg.norm(off, axis=1).max() <= tolerance(spacing))


def _with_gaps(positions: Float, along: Float) -> list[Grid]:
    """Return one grid with planes left empty, where whole slices are missing."""
    steps = np.diff(along)
    base = float(np.median(steps))
    whole = np.rint(steps / base).clip(min=1)
    places = np.concatenate([[0.0], np.cumsum(whole)])
    jumps = _runs_of_equal(whole)
    if (
        any(value != 1 and length >= LEAST_RUN for value, length in jumps)
        or places[-1] + 1 > 2 * len(along)
        or not _is_even(positions, along, places)
    ):
        return []
    slices: list[int | None] = [None] * (int(places[-1]) + 1)
    for index, place in enumerate(places):
        slices[int(place)] = index
    return [Grid(tuple(slices), (positions[-1] - positions[0]) / places[-1])]


def _runs_of_equal(numbers: Float) -> list[tuple[float, int]]:
    edges = np.flatnonzero(np.diff(numbers)) + 1
    return [(float(part[0]), len(part)) for part in np.split(numbers, edges)]


def _in_runs(positions: Float, along: Float) -> list[Grid]:
    """Return a grid for each run of even spacing, where there are few."""
    runs: list[tuple[int, int]] = []
    start = 0
    while start < len(along):
        stop = start + 1
        while stop < len(along) and _is_even(positions[start : stop + 1], along[start : stop + 1]):
            stop += 1
        if (
            stop - start == 2
            and stop + 1 < len(along)
            and _is_even(positions[start + 1 : stop + 2], along[start + 1 : stop + 2])
        ):
            stop -= 1  # two slices always look even; the second belongs to what follows
        runs.append((start, stop))
        start = stop
    if len(runs) > len(along) / LEAST_RUN:
        return []
    grids = []
    for start, stop in runs:
        # A lone slice has no spacing of its own: that to its neighbour.
        first, last = (start, stop) if stop - start > 1 else (max(0, start - 1), max(2, stop))
        step = _step(positions[first:last])
        grids.append(Grid(tuple(range(start, stop)), step))
    return grids


def _resampled(positions: Float, along: Float) -> Grid:
    """Return a grid of the median spacing between the first and the last slice."""
    spacing = float(np.median(np.diff(along)))
    planes = int((along[-1] - along[0]) / spacing + UNIFORM) + 1
    step = (positions[-1] - positions[0]) / (along[-1] - along[0]) * spacing
    places = (along - along[0]) / spacing
    return Grid(tuple(range(len(along))), np.asarray(step), tuple(float(p) for p in places), planes)
