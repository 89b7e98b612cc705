"""Missing slices: gaps of whole multiples of the spacing become empty planes of one grid.

The planes are only marked here. ``pixels.filled_planes`` fills them with the padding value, or with
the lowest value of the stack.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.sorting.even_spacing import (
    MIN_RUN_SLICES,
    find_usual_spacing,
    is_evenly_spaced,
)
from napari_medread.dicom.sorting.slice_grid import SliceGrid

Float = NDArray[np.float64]

MAX_PLANES_PER_SLICE = 2
"""A grid with more planes than this for every slice is mostly gaps: it is split instead."""


def find_missing_slices(positions: Float, distances: Float) -> SliceGrid | None:
    """Return one even grid with an empty plane for every missing slice.

    Parameters
    ----------
    positions : (n, 3) array
        Image positions in LPS mm, sorted along the normal.
    distances : (n,) array
        The same positions measured along the normal, in mm.

    Returns
    -------
    SliceGrid or None
        None where the gaps are no whole multiples of the spacing, where most planes would be
        empty, or where several equal gaps in a row show that the spacing changes.
    """
    steps = np.diff(distances)
    # Where most steps are gaps, the spacing is the smallest step and not the usual one.
    for spacing in (find_usual_spacing(steps), float(steps.min())):
        multiples = np.rint(steps / spacing).clip(min=1)
        planes = np.concatenate([[0.0], np.cumsum(multiples)])
        if (
            any(n != 1 and length >= MIN_RUN_SLICES for n, length in _equal_runs(multiples))
            or planes[-1] + 1 > MAX_PLANES_PER_SLICE * len(distances)
            or not is_evenly_spaced(positions, distances, planes)
        ):
            continue
        slices: list[int | None] = [None] * (int(planes[-1]) + 1)
        for index, plane in enumerate(planes):
            slices[int(plane)] = index
        return SliceGrid(tuple(slices), (positions[-1] - positions[0]) / planes[-1])
    return None


def _equal_runs(numbers: Float) -> list[tuple[float, int]]:
    """Return each run of equal numbers as (number, length)."""
    edges = np.flatnonzero(np.diff(numbers)) + 1
    return [(float(run[0]), len(run)) for run in np.split(numbers, edges)]


def describe_missing_slices(grid: SliceGrid, *, has_padding: bool) -> str:
    """Return the note on the empty planes of a grid, with their numbers, counted from 1.

    Parameters
    ----------
    grid : SliceGrid
        With at least one empty plane.
    has_padding : bool
        Whether the files give a padding value; otherwise the lowest value fills the planes.
    """
    count = len(grid.missing_planes)
    slices = "slice" if count == 1 else "slices"
    numbers = ", ".join(str(index + 1) for index in grid.missing_planes)
    value = "padding" if has_padding else "lowest"
    return f"{count} missing {slices} filled with the {value} value: {slices} {numbers}."
