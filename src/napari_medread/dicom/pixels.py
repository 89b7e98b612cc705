"""Stacks to arrays: read into memory at once, or slice by slice when looked at."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dask.array as da
import numpy as np
import psutil
from numpy.typing import NDArray

from napari_medread.core.display import SAMPLED_PLANES, SAMPLES
from napari_medread.core.progress import Track, silently
from napari_medread.dicom.decode import is_rgb, read_stored, rgb_type
from napari_medread.dicom.frames import Frame
from napari_medread.dicom.mapping import Mapping, padding, smallest_type, value_type
from napari_medread.dicom.stack import Stack
from napari_medread.errors import UnreadableFile

Array = NDArray[Any]

SHARE_OF_MEMORY = 0.25
"""A stack that would take more than this share of the free memory is read when looked at."""

LAZY_SAMPLES = 3
"""Planes of a lazy stack that are read to choose its contrast limits."""


@dataclass
class Pixels:
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
        self.frames = [frame for line in stack.frames for frame in line]
        self.first = stack.all_frames[0]
        self.rgb = is_rgb(self.first)
        self.mappings = {id(f): Mapping.of(f) for f in self.frames if f is not None}
        self.lead_shape = (*stack.lead_shape, len(stack.frames[0]))
        self.plane_shape = (self.first.rows, self.first.columns, *((3,) if self.rgb else ()))
        self.dtype = np.dtype(
            rgb_type(self.first) if self.rgb else value_type(list(self.mappings.values()))
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
        """Return the modality values (or RGB) of one frame, and its stored values."""
        stored = read_stored(frame)
        return (stored if self.rgb else self.mappings[id(frame)].apply(stored)), stored

    def fill_value(self, lowest: Any) -> Any:
        """Return the value of a plane without a slice: the padding value, else the lowest."""
        limits = None if self.rgb else padding(self.first)
        if limits is None:
            return lowest
        value = self.mappings[id(self.first)].apply(np.array([limits[0]]))[0]
        mapping = self.mappings[id(self.first)]
        return value if mapping.low <= value <= mapping.high else lowest


def read_stack(stack: Stack, track: Track = silently, *, lazy: bool | None = None) -> Pixels:
    """Read a stack's pixels as modality values.

    Parameters
    ----------
    stack : Stack
        Its frames.
    track : Track
        Reports progress.
    lazy : bool or None
        Whether to read slices only when they are looked at; None: where the memory is short.

    Raises
    ------
    UnreadableFile
        Where no image of it can be decoded.
    """
    source = _Source(stack)
    if lazy is None:
        lazy = source.nbytes > SHARE_OF_MEMORY * psutil.virtual_memory().available
    # Interpolated planes come from two slices each: read those at once.
    if lazy and stack.grid is None:
        return _lazy(source)
    pixels = _eager(source, track)
    if stack.grid is not None:
        axis = len(stack.lead_shape)
        pixels.data = _interpolate(pixels.data, axis, stack.grid.places, stack.grid.planes)
    return pixels


def _eager(source: _Source, track: Track) -> Pixels:
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
    for n, frame in track(present, "Reading pixels"):
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
        out[sorted(absent)] = source.fill_value(lowest)
    notes = [f"{problem} Its plane is empty." for problem in problems]
    return Pixels(out.reshape(*source.lead_shape, *source.plane_shape), sampler.values, notes)


def _lazy(source: _Source) -> Pixels:
    """Return a dask array in chunks of one slice, of the type that holds what headers allow."""
    shape = (*source.lead_shape, *source.plane_shape)
    chunks = (*(1,) * len(source.lead_shape), *source.plane_shape)
    planes = _Planes(source, shape)
    data = da.from_array(planes, chunks, name=False, meta=np.empty((0,) * len(shape), source.dtype))
    return Pixels(data, lambda: _lazy_sample(source))


class _Planes:
    """An array that reads a plane when it is sliced; what dask takes its chunks from."""

    def __init__(self, source: _Source, shape: tuple[int, ...]) -> None:
        self._source = source
        self.shape, self.dtype, self.ndim = shape, source.dtype, len(shape)

    def __getitem__(self, index: tuple[slice, ...]) -> Array:
        lead = len(self._source.lead_shape)
        numbers = np.arange(len(self._source.frames)).reshape(self._source.lead_shape)
        picked = numbers[index[:lead]]
        out = np.empty((picked.size, *self._source.plane_shape), self.dtype)
        for at, n in enumerate(picked.ravel()):
            frame = self._source.frames[n]
            if frame is None:
                mapping = next(iter(self._source.mappings.values()))
                out[at] = self._source.fill_value(mapping.low)
            else:
                out[at] = self._source.plane(frame)[0]
        shaped = out.reshape(*picked.shape, *self._source.plane_shape)
        return shaped[(slice(None),) * lead + tuple(index[lead:])]


def _lazy_sample(source: _Source) -> Array:
    present = source.present
    every = max(1, len(present) // (LAZY_SAMPLES + 1))
    picked = present[every::every][:LAZY_SAMPLES] or present[:1]
    sampler = _Sampler(len(picked), source.plane_shape)
    for _, frame in picked:
        plane, stored = source.plane(frame)
        sampler.add(plane, stored, frame)
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
    return out.astype(smallest_type(low, high))


class _Sampler:
    """Collects modality values from all over a stack, for its contrast limits."""

    def __init__(self, planes: int, shape: tuple[int, ...]) -> None:
        self._every = max(1, planes // SAMPLED_PLANES)
        taken = math.ceil(planes / self._every)
        self._step = max(1, math.isqrt(max(1, taken * shape[0] * shape[1] // SAMPLES)))
        self._parts: list[Array] = []
        self._seen = 0

    def add(self, plane: Array, stored: Array, frame: Frame) -> None:
        """Take a share of one plane, without its padding."""
        if self._seen % self._every == 0:
            spread = (slice(None, None, self._step),) * 2
            part, raw = plane[spread], stored[spread]
            limits = padding(frame)
            if limits is not None:
                part = part[(raw < limits[0]) | (raw > limits[1])]
            self._parts.append(part.ravel())
        self._seen += 1

    def values(self) -> Array:
        """Return what was collected."""
        return np.concatenate(self._parts) if self._parts else np.empty(0)


def _interpolate(data: Array, axis: int, places: tuple[float, ...], planes: int) -> Array:
    """Interpolate slices at ``places`` linearly onto whole planes, along one axis."""
    out_shape = list(data.shape)
    out_shape[axis] = planes
    out = np.empty(out_shape, data.dtype)
    at = np.array(places)
    for plane in range(planes):
        after = int(np.clip(np.searchsorted(at, plane), 1, len(at) - 1))
        share = np.clip((plane - at[after - 1]) / (at[after] - at[after - 1]), 0.0, 1.0)
        before = np.take(data, after - 1, axis)
        mixed = before * (1 - share) + np.take(data, after, axis) * share
        target = (slice(None),) * axis + (plane,)
        out[target] = np.rint(mixed) if data.dtype.kind in "iu" else mixed
    return out
