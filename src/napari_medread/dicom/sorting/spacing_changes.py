"""Slice spacing that changes from run to run: every run of even spacing gets its own grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.sorting.even_spacing import (
    MIN_RUN_SLICES,
    find_usual_spacing,
    is_evenly_spaced,
    make_even_grid,
)
from napari_medread.dicom.sorting.gap_filling import find_missing_slices
from napari_medread.dicom.sorting.slice_grid import SliceGrid

Float = NDArray[np.float64]


def split_where_spacing_changes(positions: Float, distances: Float) -> list[SliceGrid]:
    """Return a grid for each run of even spacing.

    Parameters
    ----------
    positions : (n, 3) array
        Image positions in LPS mm, sorted along the normal.
    distances : (n,) array
        The same positions measured along the normal, in mm.

    Returns
    -------
    list of SliceGrid
        Empty where the runs are so short that the spacing is irregular.
    """
    runs: list[tuple[int, int]] = []
    start = 0
    while start < len(distances):
        stop = _find_run_end(positions, distances, start)
        if stop - start == 2 and stop < len(distances):
            # Two slices are always evenly spaced; the second may belong to the next run.
            next_stop = _find_run_end(positions, distances, start + 1)
            stop -= next_stop - (start + 1) > 2
        runs.append((start, stop))
        start = stop
        if len(runs) > len(distances) / MIN_RUN_SLICES:
            return []
    runs = _join_runs_across_gaps(runs, positions, distances)
    return [_make_run_grid(positions, distances, start, stop) for start, stop in runs]


def _find_run_end(positions: Float, distances: Float, start: int) -> int:
    """Return the index after an evenly spaced run, by doubling its length and then bisecting."""

    def is_even(stop: int) -> bool:
        return stop - start <= 2 or is_evenly_spaced(positions[start:stop], distances[start:stop])

    count = len(distances)
    even_stop, length = min(start + 2, count), 4
    while even_stop < count and is_even(uneven_stop := min(start + length, count)):
        even_stop, length = uneven_stop, 2 * length
    if even_stop == count:
        return even_stop
    while uneven_stop - even_stop > 1:
        middle = (even_stop + uneven_stop) // 2
        if is_even(middle):
            even_stop = middle
        else:
            uneven_stop = middle
    return even_stop


def _join_runs_across_gaps(
    runs: list[tuple[int, int]], positions: Float, distances: Float
) -> list[tuple[int, int]]:
    """Join consecutive runs that have one spacing and were only separated by missing slices."""
    joined = runs[:1]
    for start, stop in runs[1:]:
        first = joined[-1][0]
        if find_missing_slices(positions[first:stop], distances[first:stop]) is not None:
            joined[-1] = first, stop
        else:
            joined.append((start, stop))
    return joined


def _make_run_grid(positions: Float, distances: Float, start: int, stop: int) -> SliceGrid:
    """Return the grid of an even run, with or without missing slices, or of a lone slice."""
    if stop - start == 1:
        return make_lone_slice_grid(positions, distances, start)
    run, run_distances = positions[start:stop], distances[start:stop]
    if is_evenly_spaced(run, run_distances):
        return make_even_grid(run, start)
    grid = find_missing_slices(run, run_distances)
    assert grid is not None  # noqa: S101  (runs are only joined where this is so)
    return grid.renumber_from(start)


def make_lone_slice_grid(positions: Float, distances: Float, index: int) -> SliceGrid:
    """Return the grid of a slice that belongs to no run.

    Its spacing is the distance to a neighbour, but at most the usual spacing of all slices.
    """
    before = max(0, index - 1)
    share = find_usual_spacing(np.diff(distances)) / (distances[before + 1] - distances[before])
    step = (positions[before + 1] - positions[before]) * min(1.0, share)
    return SliceGrid((index,), step)
