"""A stack of frames becomes one array: read into memory at once, or slice by slice on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from napari_medread.core.progress import Progress, no_progress
from napari_medread.dicom.pixels.filled_planes import StackPlanes
from napari_medread.dicom.pixels.lazy_stacks import make_lazy_array, sample_lazy_stack
from napari_medread.dicom.pixels.modality_values import find_smallest_type
from napari_medread.dicom.pixels.slice_interpolation import interpolate_slices
from napari_medread.dicom.pixels.value_sampling import ValueSampler, pick_sampled_planes
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.errors import UnreadableFile

Array = NDArray[Any]

LAZY_ABOVE_MEMORY_SHARE = 0.25
"""A stack that would take more than this share of the free memory is read on demand ..."""

MAX_MEMORY_SHARE = 0.5
"""... and always above this share, whatever limit was chosen."""


@dataclass
class StackPixels:
    """The voxels of a stack.

    Attributes
    ----------
    data : array
        Shape (*leading, slice, row, column[, 3]): numpy, or dask in chunks of one slice.
    sample : callable
        Returns modality values from around the middle of the stack, without padding.
    notes : list of str
        Images that could not be decoded.
    """

    data: Any
    sample: Callable[[], Array]
    notes: list[str] = field(default_factory=list)


def read_stack(
    stack: Stack,
    progress: Progress = no_progress,
    *,
    lazy: bool | None = None,
    lazy_above: int | None = None,
) -> StackPixels:
    """Read a stack's pixels as modality values.

    Parameters
    ----------
    stack : Stack
        The stack.
    progress : Progress
        Reports progress, and may cancel.
    lazy : bool or None
        Whether to read slices on demand. None: where memory is short.
    lazy_above : int or None
        With ``lazy=None``, the size in bytes above which slices are read on demand. None: a
        quarter of the free memory.

    Raises
    ------
    UnreadableFile
        Where no image of the stack can be decoded.
    """
    planes = StackPlanes(stack)
    if lazy is None:
        free = psutil.virtual_memory().available
        limit = LAZY_ABOVE_MEMORY_SHARE * free if lazy_above is None else lazy_above
        lazy = planes.nbytes > min(limit, MAX_MEMORY_SHARE * free)
    if lazy:
        return StackPixels(make_lazy_array(planes), lambda: sample_lazy_stack(planes))
    return _read_into_memory(planes, progress)


def _read_into_memory(planes: StackPlanes, progress: Progress) -> StackPixels:
    """Read all planes into one array.

    Headers often allow more than int16 holds while no voxel uses it: reading starts with
    int16, and the array is widened when a value does not fit.
    """
    dtype = planes.dtype
    if not planes.is_rgb and all(t.is_integral for t in planes.transforms.values()):
        dtype = dtype if dtype.itemsize == 2 else np.dtype(np.int16)
    data = np.empty((len(planes.frames), *planes.plane_shape), dtype)
    present = planes.present_frames
    picked = set(pick_sampled_planes(planes.leading_shape, [n for n, _ in present]))
    sampler = ValueSampler(len(picked), planes.plane_shape)
    empty = {n for n, frame in enumerate(planes.frames) if frame is None}
    problems = []
    for n, frame in progress(present, "Reading pixels"):
        try:
            values, stored = planes.read_frame(frame)
        except UnreadableFile as error:
            problems.append(str(error))
            empty.add(n)
            continue
        if not planes.is_rgb:
            data = _widen_for(values, data, n)
            if n in picked:
                sampler.add_plane(values, stored, frame)
        data[n] = values
    if len(problems) == len(present):
        raise UnreadableFile(problems[0])
    if empty:
        data = _fill_empty_planes(data, empty, planes)
    notes = [f"{problem} Its plane is empty." for problem in problems]
    data = data.reshape(*planes.leading_shape, *planes.plane_shape)
    if planes.grid is not None:
        data = interpolate_slices(data, len(planes.leading_shape) - 1, planes.grid)
    if sampler.is_empty:  # none of the sampled planes could be decoded
        return StackPixels(data, lambda: sample_lazy_stack(planes), notes)
    return StackPixels(data, sampler.values, notes)


def _fill_empty_planes(data: Array, empty: set[int], planes: StackPlanes) -> Array:
    """Fill planes with the padding value, or the lowest value; return the array, widened for it."""
    lowest = min(data[n].min() for n in range(len(data)) if n not in empty)
    fill = lowest if planes.padding_value is None else planes.padding_value
    indices = sorted(empty)
    data[indices] = lowest  # not uninitialised memory, which could widen the array
    if not planes.is_rgb:
        data = _widen_for(np.asarray([fill]), data, len(data))
    data[indices] = fill
    return data


def _widen_for(values: Array, data: Array, filled_planes: int) -> Array:
    """Return the array, copied to a wider type if the values do not fit its own.

    Parameters
    ----------
    values : array
        What comes next.
    data : array
        The array, of which the first ``filled_planes`` planes hold values.
    filled_planes : int
        Number of planes so far.
    """
    if data.dtype.kind == "f" or not values.size:
        return data
    if values.dtype.kind == "f":
        return data.astype(np.float32)
    low, high = int(values.min()), int(values.max())
    limits = np.iinfo(data.dtype)
    if limits.min <= low and high <= limits.max:
        return data
    if filled_planes:
        filled = data[:filled_planes]
        low, high = min(low, int(filled.min())), max(high, int(filled.max()))
    return data.astype(find_smallest_type(low, high))
