"""Stacks whose slices are read on demand, as dask arrays with one chunk for each slice."""

from __future__ import annotations

import math
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.pixels.filled_planes import StackPlanes
from napari_medread.dicom.pixels.slice_interpolation import blend_slices, find_neighbouring_slices
from napari_medread.dicom.pixels.value_sampling import ValueSampler, pick_sampled_planes
from napari_medread.errors import UnreadableFile

Array = NDArray[Any]


def make_lazy_array(planes: StackPlanes) -> Any:
    """Return a dask array of shape (*leading, slice, row, column[, 3]), one chunk a slice.

    Its type holds all values that the headers allow.
    """
    leading_shape = planes.leading_shape
    if planes.grid is not None:
        leading_shape = (*leading_shape[:-1], planes.grid.interpolated_planes)
    shape = (*leading_shape, *planes.plane_shape)
    chunks = (*(1,) * len(leading_shape), *planes.plane_shape)
    meta = np.empty((0,) * len(shape), planes.dtype)
    return da.from_array(_PlaneArray(planes, shape), chunks, name=False, meta=meta)


class _PlaneArray:
    """An array-like that reads planes when it is indexed; dask takes its chunks from it."""

    def __init__(self, planes: StackPlanes, shape: tuple[int, ...]) -> None:
        self._planes = planes
        self.shape, self.dtype, self.ndim = shape, planes.dtype, len(shape)

    def __getitem__(self, index: tuple[slice, ...]) -> Array:
        leading_shape = self.shape[: self.ndim - len(self._planes.plane_shape)]
        all_planes = np.arange(math.prod(leading_shape)).reshape(leading_shape)
        picked = all_planes[index[: len(leading_shape)]]
        data = np.empty((*picked.shape, *self._planes.plane_shape), self.dtype)
        for target, plane in np.ndenumerate(picked):
            data[target] = self._read_plane(int(plane))
        return data[(slice(None),) * picked.ndim + tuple(index[len(leading_shape) :])]

    def _read_plane(self, index: int) -> Any:
        """Return a plane of the final grid, interpolated where slices are unevenly spaced."""
        grid = self._planes.grid
        if grid is None:
            return self._planes.read_plane(index)
        point, plane = divmod(index, grid.interpolated_planes)
        before, after, weight = find_neighbouring_slices(grid, plane)
        first = point * len(grid.interpolated_from)
        slice_before = self._planes.read_plane(first + before)
        slice_after = self._planes.read_plane(first + after)
        return blend_slices(slice_before, slice_after, weight, self.dtype)


def sample_lazy_stack(planes: StackPlanes) -> Array:
    """Sample the values of a few planes, and of others in place of those that cannot be decoded.

    Raises
    ------
    UnreadableFile
        Where no plane can be decoded.
    """
    present = dict(planes.present_frames)
    picked = [present[n] for n in pick_sampled_planes(planes.leading_shape, list(present))]
    sampler = ValueSampler(len(picked), planes.plane_shape)
    first_error: UnreadableFile | None = None
    sampled = 0
    for frame in [*picked, *present.values()]:
        try:
            values, stored = planes.read_frame(frame)
        except UnreadableFile as error:
            first_error = first_error or error
            continue
        sampler.add_plane(values, stored, frame)
        sampled += 1
        if sampled == len(picked):
            break
    if first_error and not sampled:
        raise first_error
    return sampler.values()
