"""Slice positions for tests of spacing, and the slices of axial volumes by height."""

import numpy as np

from napari_medread.dicom.sorting.slice_spacing import find_slice_grids

UP = np.array([0.0, 0, 1])
"""The normal of axial slices."""


def make_positions(heights, drift=0.0):
    """Return axial positions at some heights, which drift along y by ``drift`` mm per mm."""
    heights = np.asarray(heights, dtype=float)
    return np.column_stack([np.full_like(heights, 7.0), 3.0 + drift * heights, heights])


def find_grids(heights):
    """Return the grids of axial slices at some heights."""
    return find_slice_grids(make_positions(heights), UP)


def find_max_plane_error(grid, positions):
    """Return the largest distance of a plane of a grid from its slice."""
    slices = [(n, index) for n, index in enumerate(grid.slices) if index is not None]
    first_plane, first_index = slices[0]
    start = positions[first_index] - first_plane * grid.step
    return max(np.abs(start + n * grid.step - positions[index]).max() for n, index in slices)


def voxels_by_height(volumes):
    """Return the values of every axial slice by its height."""
    planes = {}
    for volume in volumes:
        heights = volume.geometry.to_patient([[n, 0, 0] for n in range(volume.shape[0])])[:, 2]
        for height, plane in zip(heights, np.asarray(volume.data), strict=True):
            planes[round(float(height), 4)] = plane
    return planes
