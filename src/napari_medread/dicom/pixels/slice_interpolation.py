"""Unevenly spaced slices are interpolated linearly onto the planes of a regular grid."""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.sorting.slice_grid import SliceGrid

Array = NDArray[Any]


def find_neighbouring_slices(grid: SliceGrid, plane: int) -> tuple[int, int, float]:
    """Return the indices of the slices before and after a plane, and the weight of the second."""
    positions = grid.interpolated_from
    after = min(max(bisect.bisect_left(positions, plane), 1), len(positions) - 1)
    weight = (plane - positions[after - 1]) / (positions[after] - positions[after - 1])
    return after - 1, after, min(max(weight, 0.0), 1.0)


def blend_slices(before: Array, after: Array, weight: float, dtype: np.dtype[Any]) -> Array:
    """Interpolate linearly between two slices of one shape.

    Parameters
    ----------
    before, after : array
        Two slices.
    weight : float
        Weight of ``after``, from 0 to 1.
    dtype : dtype
        Of the volume: values are rounded for an integer type.
    """
    blend = np.multiply(before, 1 - weight, dtype=np.float64)
    blend += np.multiply(after, weight, dtype=np.float64)
    return np.asarray(np.rint(blend) if dtype.kind in "iu" else blend)


def interpolate_slices(data: Array, axis: int, grid: SliceGrid) -> Array:
    """Interpolate the slices along one axis onto the planes of a grid."""
    slices = np.moveaxis(data, axis, 0)
    planes = np.empty((grid.interpolated_planes, *slices.shape[1:]), data.dtype)
    for plane in range(grid.interpolated_planes):
        before, after, weight = find_neighbouring_slices(grid, plane)
        planes[plane] = blend_slices(slices[before], slices[after], weight, data.dtype)
    return np.moveaxis(planes, 0, axis)
