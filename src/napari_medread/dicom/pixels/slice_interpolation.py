"""Unevenly spaced slices interpolated onto the planes of a regular grid."""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.sorting.slice_spacing import SliceGrid

Array = NDArray[Any]


def find_neighbouring_slices(grid: SliceGrid, plane: int) -> tuple[int, int, float]:
    """Return the slices before and after a plane of a grid, and the share of the second."""
    places = grid.places
    after = min(max(bisect.bisect_left(places, plane), 1), len(places) - 1)
    share = (plane - places[after - 1]) / (places[after] - places[after - 1])
    return after - 1, after, min(max(share, 0.0), 1.0)


def blend_slices(before: Array, after: Array, share: float, dtype: np.dtype[Any]) -> Array:
    """Interpolate linearly between two slices of one type."""
    between = np.multiply(before, 1 - share, dtype=np.float64)
    between += np.multiply(after, share, dtype=np.float64)
    return np.asarray(np.rint(between) if dtype.kind in "iu" else between)


def interpolate_slices(data: Array, axis: int, grid: SliceGrid) -> Array:
    """Interpolate slices along one axis onto the planes of a grid."""
    slices = np.moveaxis(data, axis, 0)
    out = np.empty((grid.planes, *slices.shape[1:]), data.dtype)
    for plane in range(grid.planes):
        before, after, share = find_neighbouring_slices(grid, plane)
        out[plane] = blend_slices(slices[before], slices[after], share, data.dtype)
    return np.moveaxis(out, 0, axis)
