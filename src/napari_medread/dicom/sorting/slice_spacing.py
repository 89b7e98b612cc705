"""Slice positions become regular grids: the spacing is even, has gaps, changes or is irregular."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.sorting.even_spacing import (
    find_usual_spacing,
    fit_rounded_positions,
    is_evenly_spaced,
    make_even_grid,
    spacing_tolerance,
)
from napari_medread.dicom.sorting.gap_filling import find_missing_slices
from napari_medread.dicom.sorting.irregular_spacing import make_median_grid, split_at_wide_gaps
from napari_medread.dicom.sorting.slice_grid import SliceGrid
from napari_medread.dicom.sorting.spacing_changes import (
    make_lone_slice_grid,
    split_where_spacing_changes,
)

Float = NDArray[np.float64]


def find_slice_grids(positions: Float, normal: Float, last_digit: float = 0.0) -> list[SliceGrid]:
    """Return as few regular grids as hold the slices exactly.

    The first explanation that fits is used: even spacing, missing slices, rounded positions, runs
    of different spacing. Only what none of them explains is interpolated.

    Parameters
    ----------
    positions : (n, 3) array
        Image positions in LPS mm, sorted along the normal, at least two, all distinct.
    normal : (3,) array
        The slice normal, of unit length.
    last_digit : float
        Value of the last written digit of the positions, in mm.

    Returns
    -------
    list of SliceGrid
        One grid where the spacing is even, even but for missing slices, or irregular
        throughout; several where it changes from run to run.
    """
    distances = positions @ normal
    if is_evenly_spaced(positions, distances):
        return [make_even_grid(positions)]
    straight = _move_onto_line(positions, distances, normal)
    deviation = float(np.linalg.norm(positions - straight, axis=1).max())
    if deviation > spacing_tolerance(find_usual_spacing(np.diff(distances))):
        grids = find_slice_grids(straight, normal)
        return [replace(grid, line_deviation=deviation) for grid in grids]
    grid = find_missing_slices(positions, distances) or fit_rounded_positions(
        positions, distances, last_digit
    )
    if grid is not None:
        return [grid]
    return split_where_spacing_changes(positions, distances) or _interpolate_between_wide_gaps(
        positions, distances, normal
    )


def _move_onto_line(positions: Float, distances: Float, normal: Float) -> Float:
    """Move positions within their planes onto the best-fitting line through the first one."""
    in_plane = positions - np.outer(distances, normal)
    centred = distances - distances.mean()
    drift = centred @ in_plane / (centred @ centred)
    return np.asarray(positions[0] + np.outer(distances - distances[0], normal + drift))


def _interpolate_between_wide_gaps(
    positions: Float, distances: Float, normal: Float
) -> list[SliceGrid]:
    """Return one grid of the median spacing, or the grids of the parts between wide gaps."""
    parts = split_at_wide_gaps(distances)
    if len(parts) == 1:
        return [make_median_grid(positions, distances)]
    grids = []
    for start, stop in parts:
        if stop - start == 1:
            grids.append(make_lone_slice_grid(positions, distances, start))
        else:
            part = find_slice_grids(positions[start:stop], normal)
            grids += [grid.renumber_from(start) for grid in part]
    return grids
