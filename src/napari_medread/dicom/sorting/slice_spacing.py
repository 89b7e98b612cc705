"""From slice positions to regular grids: uniform, with gaps, in runs, or irregular."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

UNIFORM = 0.01
"""Slices are evenly spaced if each lies within this share of the spacing of its place."""

ROUNDING = 0.01
"""... or within this many mm: positions are often written with two decimals ..."""

ROUNDING_SHARE = 0.1
"""... but within no more than this share of the spacing, where slices are very thin."""

WRITTEN = 0.6
"""Slices within this share of the last written digit of an even place may lie there: half of it
by rounding, and a little for fitting the line."""

MIN_RUN_SLICES = 3
"""Slices in a row with one spacing that make a run of their own, rather than gaps."""


MOST_EMPTY = 2
"""A grid has at most so many planes for every slice; one with more gaps is torn apart."""

USUAL = 0.1
"""Steps that differ by less than this share are one step, measured with noise."""

FAR = 4.0
"""Irregular slices more than so many spacings apart are not interpolated between."""


@dataclass(frozen=True)
class SliceGrid:
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
        Number of planes, for a resampled grid.
    beside : float
        How far in mm slices lie beside the straight line on which they are put, at most.
    origin : (3,) array or None
        Position of the first plane in LPS mm, where that is not its slice's.
    """

    slices: tuple[int | None, ...]
    step: Float
    places: tuple[float, ...] = ()
    planes: int = 0
    beside: float = 0.0
    origin: Float | None = None

    @property
    def resampled(self) -> bool:
        """Whether the slices lie between the planes and must be interpolated."""
        return bool(self.places)

    @property
    def missing(self) -> tuple[int, ...]:
        """Indices of the planes without a slice."""
        return tuple(n for n, s in enumerate(self.slices) if s is None)


def spacing_tolerance(spacing: float) -> float:
    """Return how far in mm a slice may lie from its place."""
    spacing = abs(spacing)
    return max(UNIFORM * spacing, min(ROUNDING, ROUNDING_SHARE * spacing))


def find_slice_grids(positions: Float, normal: Float, digit: float = 0.0) -> list[SliceGrid]:
    """Put slices on as few regular grids as hold them exactly.

    Parameters
    ----------
    positions : (n, 3) array
        Image positions in LPS mm, sorted along the normal, at least two, all distinct.
    normal : (3,) array
        The slice normal, of unit length.
    digit : float
        What the last written digit of the positions counts, in mm.

    Returns
    -------
    list of Grid
        One grid where the spacing is uniform, or uniform but for missing slices, or
        irregular throughout; several where it changes from run to run.
    """
    along = positions @ normal
    if _is_even(positions, along):
        return [SliceGrid(tuple(range(len(along))), _step(positions))]
    straight = _straightened(positions, along, normal)
    beside = float(np.linalg.norm(positions - straight, axis=1).max())
    if beside > spacing_tolerance(_usual(np.diff(along))):
        return [replace(grid, beside=beside) for grid in find_slice_grids(straight, normal)]
    return (
        _with_gaps(positions, along)
        or _rounded(positions, along, digit)
        or _in_runs(positions, along)
        or _apart(positions, along, normal)
        or [_resampled(positions, along)]
    )


def _straightened(positions: Float, along: Float, normal: Float) -> Float:
    """Move positions within their planes onto one line through the first."""
    within = positions - np.outer(along, normal)
    heights = along - along.mean()
    drift = heights @ within / (heights @ heights)
    return np.asarray(positions[0] + np.outer(along - along[0], normal + drift))


def _step(positions: Float) -> Float:
    return np.asarray((positions[-1] - positions[0]) / (len(positions) - 1))


def _is_even(positions: Float, along: Float, at: Float | None = None) -> bool:
    """Tell whether positions lie evenly on one line, at the given places on it."""
    at = np.arange(len(along), dtype=float) if at is None else at
    step = (positions[-1] - positions[0]) / at[-1]
    spacing = (along[-1] - along[0]) / at[-1]
    off = positions - positions[0] - np.outer(at, step)
    return bool(np.linalg.norm(off, axis=1).max() <= spacing_tolerance(spacing))


def _with_gaps(positions: Float, along: Float) -> list[SliceGrid]:
    """Return one grid with planes left empty, where whole slices are missing."""
    steps = np.diff(along)
    # Where gaps are many, the spacing is not the usual step but the smallest.
    for base in (_usual(steps), float(steps.min())):
        whole = np.rint(steps / base).clip(min=1)
        places = np.concatenate([[0.0], np.cumsum(whole)])
        jumps = _runs_of_equal(whole)
        if (
            any(value != 1 and length >= MIN_RUN_SLICES for value, length in jumps)
            or places[-1] + 1 > MOST_EMPTY * len(along)
            or not _is_even(positions, along, places)
        ):
            continue
        slices: list[int | None] = [None] * (int(places[-1]) + 1)
        for index, place in enumerate(places):
            slices[int(place)] = index
        return [SliceGrid(tuple(slices), (positions[-1] - positions[0]) / places[-1])]
    return []


def _runs_of_equal(numbers: Float) -> list[tuple[float, int]]:
    edges = np.flatnonzero(np.diff(numbers)) + 1
    return [(float(part[0]), len(part)) for part in np.split(numbers, edges)]


def _in_runs(positions: Float, along: Float) -> list[SliceGrid]:
    """Return a grid for each run of even spacing, where there are few."""
    runs: list[tuple[int, int]] = []
    start = 0
    while start < len(along):
        stop = _end_of_run(positions, along, start)
        if stop - start == 2 and stop < len(along):
            # Two slices always look even; the second may belong to what follows.
            after = _end_of_run(positions, along, start + 1)
            stop -= after - (start + 1) > 2
        runs.append((start, stop))
        start = stop
        if len(runs) > len(along) / MIN_RUN_SLICES:
            return []
    # A run with missing slices was cut at every gap.
    whole = runs[:1]
    for start, stop in runs[1:]:
        before = whole[-1][0]
        if _with_gaps(positions[before:stop], along[before:stop]):
            whole[-1] = before, stop
        else:
            whole.append((start, stop))
    return [_part(positions, along, start, stop) for start, stop in whole]


def _part(positions: Float, along: Float, start: int, stop: int) -> SliceGrid:
    """Return the grid of an even run, perhaps with missing slices, or of a lone slice."""
    part = slice(start, stop)
    if stop - start == 1:
        # It has no spacing of its own: that to its neighbour, unless it is far off.
        first = max(0, start - 1)
        share = _usual(np.diff(along)) / (along[first + 1] - along[first])
        step = (positions[first + 1] - positions[first]) * min(1.0, share)
        return SliceGrid((start,), step)
    if _is_even(positions[part], along[part]):
        return SliceGrid(tuple(range(start, stop)), _step(positions[part]))
    (grid,) = _with_gaps(positions[part], along[part])
    return _shifted(grid, start)


def _shifted(grid: SliceGrid, start: int) -> SliceGrid:
    """Return a grid whose slices are counted from ``start``."""
    return replace(grid, slices=tuple(None if s is None else s + start for s in grid.slices))


def _usual(steps: Float) -> float:
    """Return the most usual of some steps: the mean of those close to the lower median.

    The lower one is a step that occurs, also where half of them are gaps.
    """
    middle = np.partition(steps, (len(steps) - 1) // 2)[(len(steps) - 1) // 2]
    return float(steps[np.abs(steps - middle) <= USUAL * middle].mean())


def _apart(positions: Float, along: Float, normal: Float) -> list[SliceGrid]:
    """Return grids for parts that lie too far from one another to fill what is between."""
    steps = np.diff(along)
    edges = [0, *(np.flatnonzero(steps > FAR * _usual(steps)) + 1), len(along)]
    if len(edges) == 2:
        return []
    grids = []
    for start, stop in itertools.pairwise(edges):
        if stop - start == 1:
            grids.append(_part(positions, along, start, stop))
        else:
            found = find_slice_grids(positions[start:stop], normal)
            grids += [_shifted(grid, start) for grid in found]
    return grids


def _end_of_run(positions: Float, along: Float, start: int) -> int:
    """Return where a run of even spacing ends, by doubling its length and then halving."""

    def even(stop: int) -> bool:
        return stop - start <= 2 or _is_even(positions[start:stop], along[start:stop])

    good, length = min(start + 2, len(along)), 4
    while good < len(along) and even(bad := min(start + length, len(along))):
        good, length = bad, 2 * length
    if good == len(along):
        return good
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if even(middle) else (good, middle)
    return good


def _rounded(positions: Float, along: Float, digit: float) -> list[SliceGrid]:
    """Return the even grid of which positions written with few digits are the rounded places."""
    count = np.arange(len(along), dtype=float)
    step, origin = np.polyfit(count, positions, 1)
    off = np.abs(positions - origin - np.outer(count, step)).max()
    spacing = (along[-1] - along[0]) / count[-1]
    if len(along) < MIN_RUN_SLICES or off > min(WRITTEN * digit, ROUNDING_SHARE * spacing):
        return []
    return [SliceGrid(tuple(range(len(along))), np.asarray(step), origin=np.asarray(origin))]


def _resampled(positions: Float, along: Float) -> SliceGrid:
    """Return a grid of the median spacing between the first and the last slice."""
    spacing = float(np.median(np.diff(along)))
    planes = int((along[-1] - along[0]) / spacing + UNIFORM) + 1
    step = (positions[-1] - positions[0]) / (along[-1] - along[0]) * spacing
    places = (along - along[0]) / spacing
    return SliceGrid(
        tuple(range(len(along))), np.asarray(step), tuple(float(p) for p in places), planes
    )
