"""Stacks to arrays: read into memory at once, or slice by slice when looked at."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dask.array as da
import numpy as np
import psutil
from numpy.typing import NDArray

from napari_medread.core.contrast_limits import SAMPLED_PLANES, SAMPLED_VOXELS
from napari_medread.core.progress import Progress, no_progress
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.stored_values import find_padding_range
from napari_medread.dicom.pixels.frame_decoding import find_rgb_type, is_rgb, read_stored_values
from napari_medread.dicom.pixels.modality_values import (
    ModalityTransform,
    find_smallest_type,
    find_value_type,
)
from napari_medread.dicom.pixels.slice_interpolation import (
    blend_slices,
    find_neighbouring_slices,
    interpolate_slices,
)
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.errors import UnreadableFile

Array = NDArray[Any]

LAZY_ABOVE_MEMORY_SHARE = 0.25
"""A stack that would take more than this share of the free memory is read when looked at."""

MAX_MEMORY_SHARE = 0.5
"""... and never at once if it would take more than this, whatever was asked for."""

LAZY_SAMPLE_PLANES = 3
"""Planes of a lazy stack that are read to choose its contrast limits."""


@dataclass
class StackPixels:
    """The voxels of a stack.

    Attributes
    ----------
    data : array
        Shape (*leading, slice, row, column[, 3]): numpy, or dask in chunks of one slice.
    sample : callable
        Returns modality values from all over it, without padding.
    notes : list of str
        Images that could not be decoded.
    """

    data: Any
    sample: Callable[[], Array]
    notes: list[str] = field(default_factory=list)


class _Source:
    """A stack's planes as one row, from which each can be read alone."""

    def __init__(self, stack: Stack) -> None:
        self.grid = stack.grid
        self.frames = [frame for line in stack.frames for frame in line]
        self.first = stack.all_frames[0]
        self.rgb = is_rgb(self.first)
        self.mappings = {id(f): ModalityTransform.of(f) for f in self.frames if f is not None}
        self.lead_shape = (*stack.lead_shape, len(stack.frames[0]))
        self.plane_shape = (self.first.rows, self.first.columns, *((3,) if self.rgb else ()))
        self.dtype = np.dtype(
            find_rgb_type(self.first) if self.rgb else find_value_type(list(self.mappings.values()))
        )

    @property
    def present(self) -> list[tuple[int, Frame]]:
        """Every frame there is, with its index."""
        return [(n, frame) for n, frame in enumerate(self.frames) if frame is not None]

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return int(len(self.frames) * math.prod(self.plane_shape) * self.dtype.itemsize)

    def plane(self, frame: Frame) -> tuple[Array, Array]:
        """Return the modality values (or RGB) of one frame, and its stored values.

        Raises
        ------
        UnreadableFile
            Where it cannot be decoded, or its file has gone since its header was read.
        """
        path = frame.header.path
        try:
            stored = read_stored_values(frame)
        except UnreadableFile:
            if path.exists():
                raise
            raise UnreadableFile(
                f"{path.name}: the file is no longer where it was. Open its folder again."
            ) from None
        return (stored if self.rgb else self.mappings[id(frame)].apply(stored)), stored

    def values(self, n: int) -> Any:
        """Return a plane in the final type, or the one value of a plane without a slice."""
        frame = self.frames[n]
        if frame is None:
            return self.lowest if self.pad is None else self.pad
        return self.plane(frame)[0].astype(self.dtype, copy=False)

    @cached_property
    def lowest(self) -> Any:
        """Return the lowest value of all planes that can be read. Reads them all."""
        lowest = None
        for _, frame in self.present:
            try:
                low = self.plane(frame)[0].min()
            except UnreadableFile:
                continue
            lowest = low if lowest is None else min(low, lowest)
        return 0 if lowest is None else lowest

    @cached_property
    def pad(self) -> Any:
        """The padding value as a modality value, None where there is none that fits."""
        limits = None if self.rgb else find_padding_range(self.first)
        if limits is None:
            return None
        mapping = self.mappings[id(self.first)]
        value = mapping.apply(np.array([limits[0]]))[0]
        return value if mapping.low <= value <= mapping.high else None


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
        Its frames.
    progress : Progress
        Reports progress.
    lazy : bool or None
        Whether to read slices only when they are looked at; None: where the memory is short.
    lazy_above : int or None
        In bytes: with ``lazy=None``, a stack that takes more is read when looked at. None: a
        quarter of the free memory.

    Raises
    ------
    UnreadableFile
        Where no image of it can be decoded.
    """
    source = _Source(stack)
    if lazy is None:
        free = psutil.virtual_memory().available
        limit = LAZY_ABOVE_MEMORY_SHARE * free if lazy_above is None else lazy_above
        lazy = source.nbytes > min(limit, MAX_MEMORY_SHARE * free)
    return _lazy(source) if lazy else _eager(source, progress)


def _eager(source: _Source, progress: Progress) -> StackPixels:
    """Read all planes into one array of the final type.

    Headers often allow more than int16 holds while no voxel uses it: reading starts with
    int16, and the array is widened when a value does not fit.
    """
    dtype = source.dtype
    if not source.rgb and all(m.is_integral for m in source.mappings.values()):
        dtype = dtype if dtype.itemsize == 2 else np.dtype(np.int16)
    out = np.empty((len(source.frames), *source.plane_shape), dtype)
    present = source.present
    sampler = _Sampler(len(present), source.plane_shape)
    absent = {n for n, frame in enumerate(source.frames) if frame is None}
    problems = []
    for n, frame in progress(present, "Reading pixels"):
        try:
            plane, stored = source.plane(frame)
        except UnreadableFile as error:
            problems.append(str(error))
            absent.add(n)
            continue
        if not source.rgb:
            out = _room_for(out, plane, n)
            sampler.add(plane, stored, frame)
        out[n] = plane
    if len(problems) == len(present):
        raise UnreadableFile(problems[0])
    if absent:
        lowest = min(out[n].min() for n in range(len(out)) if n not in absent)
        fill = lowest if source.pad is None else source.pad
        out[sorted(absent)] = lowest
        out = out if source.rgb else _room_for(out, np.asarray([fill]), len(out))
        out[sorted(absent)] = fill
    notes = [f"{problem} Its plane is empty." for problem in problems]
    out = out.reshape(*source.lead_shape, *source.plane_shape)
    if source.grid is not None:
        out = interpolate_slices(out, len(source.lead_shape) - 1, source.grid)
    return StackPixels(out, sampler.values, notes)


def _lazy(source: _Source) -> StackPixels:
    """Return a dask array in chunks of one slice, of the type that holds what headers allow."""
    lead_shape = source.lead_shape
    if source.grid is not None:
        lead_shape = (*lead_shape[:-1], source.grid.interpolated_planes)
    chunks = (*(1,) * len(lead_shape), *source.plane_shape)
    shape = (*lead_shape, *source.plane_shape)
    data = da.from_array(
        _Planes(source, shape), chunks, name=False, meta=np.empty((0,) * len(shape), source.dtype)
    )
    return StackPixels(data, lambda: _lazy_sample(source))


class _Planes:
    """An array that reads planes when it is sliced; what dask takes its chunks from."""

    def __init__(self, source: _Source, shape: tuple[int, ...]) -> None:
        self._source = source
        self.shape, self.dtype, self.ndim = shape, source.dtype, len(shape)

    def __getitem__(self, index: tuple[slice, ...]) -> Array:
        lead_shape = self.shape[: self.ndim - len(self._source.plane_shape)]
        picked = np.arange(math.prod(lead_shape)).reshape(lead_shape)[index[: len(lead_shape)]]
        out = np.empty((*picked.shape, *self._source.plane_shape), self.dtype)
        for at, n in np.ndenumerate(picked):
            out[at] = self._values(int(n))
        return out[(slice(None),) * picked.ndim + tuple(index[len(lead_shape) :])]

    def _values(self, n: int) -> Any:
        grid = self._source.grid
        if grid is None:
            return self._source.values(n)
        line, plane = divmod(n, grid.interpolated_planes)
        before, after, share = find_neighbouring_slices(grid, plane)
        start = line * len(grid.interpolated_from)
        slices = self._source.values(start + before), self._source.values(start + after)
        return blend_slices(*slices, share, self.dtype)


def _lazy_sample(source: _Source) -> Array:
    """Sample a few planes, and others for those that cannot be decoded."""
    present = source.present
    every = max(1, len(present) // (LAZY_SAMPLE_PLANES + 1))
    picked = present[every::every][:LAZY_SAMPLE_PLANES] or present[:1]
    sampler = _Sampler(len(picked), source.plane_shape)
    problem: UnreadableFile | None = None
    taken = 0
    for _, frame in [*picked, *present]:
        try:
            plane, stored = source.plane(frame)
        except UnreadableFile as error:
            problem = problem or error
            continue
        sampler.add(plane, stored, frame)
        taken += 1
        if taken == len(picked):
            break
    if problem and not taken:
        raise problem
    return sampler.values()


def _room_for(out: Array, plane: Array, done: int) -> Array:
    """Return the array, widened if the next plane's values do not fit its type."""
    if out.dtype.kind == "f" or not plane.size:
        return out
    if plane.dtype.kind == "f":
        return out.astype(np.float32)
    low, high = int(plane.min()), int(plane.max())
    limits = np.iinfo(out.dtype)
    if limits.min <= low and high <= limits.max:
        return out
    if done:
        low, high = min(low, int(out[:done].min())), max(high, int(out[:done].max()))
    return out.astype(find_smallest_type(low, high))


class _Sampler:
    """Collects modality values from all over a stack, for its contrast limits."""

    def __init__(self, planes: int, shape: tuple[int, ...]) -> None:
        self._every = max(1, planes // SAMPLED_PLANES)
        taken = math.ceil(planes / self._every)
        self._step = max(1, math.isqrt(max(1, taken * shape[0] * shape[1] // SAMPLED_VOXELS)))
        self._parts: list[Array] = []
        self._seen = 0

    def add(self, plane: Array, stored: Array, frame: Frame) -> None:
        """Take a share of one plane, without its padding."""
        if self._seen % self._every == 0:
            spread = (slice(None, None, self._step),) * 2
            part, raw = plane[spread], stored[spread]
            limits = find_padding_range(frame)
            if limits is not None:
                part = part[(raw < limits[0]) | (raw > limits[1])]
            self._parts.append(part.ravel())
        self._seen += 1

    def values(self) -> Array:
        """Return what was collected."""
        return np.concatenate(self._parts) if self._parts else np.empty(0)
