"""Stacks whose frames are made again from packed headers when their slices are needed."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Volume
from napari_medread.dicom.listing.packed_headers import PackedHeaders
from napari_medread.dicom.sorting.series_splitting import make_series_frames, split_series
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.dicom.volume_building import build_volume


@dataclass
class _UnpackedSeries:
    """The stacks of the first headers of a series, and the slices of those that were needed."""

    headers: PackedHeaders
    count: int
    stacks: list[Stack]
    slices: dict[int, Any] = field(default_factory=dict)


class RecentStacks:
    """The stacks of the series that was needed last: neighbours in a list are often of one series.

    It is shared by all series of one list, and its contents go with the list.
    """

    def __init__(self) -> None:
        self._recent: _UnpackedSeries | None = None
        # dask reads slices in several threads, each of which would make the same frames.
        self._lock = Lock()

    def get(self, headers: PackedHeaders, count: int, key: Hashable) -> list[Stack]:
        """Return the stacks of the first headers of a series."""
        with self._lock:
            return self._unpack(headers, count, key).stacks

    def get_slices(self, headers: PackedHeaders, count: int, key: Hashable, index: int) -> Any:
        """Return the slices of one of the stacks, as a lazy array in world order."""
        with self._lock:
            unpacked = self._unpack(headers, count, key)
            if index not in unpacked.slices:
                unpacked.slices[index] = build_volume(unpacked.stacks[index], lazy=True).data
            return unpacked.slices[index]

    def _unpack(self, headers: PackedHeaders, count: int, key: Hashable) -> _UnpackedSeries:
        recent = self._recent
        if recent is None or recent.headers is not headers or recent.count != count:
            stacks = split_series(make_series_frames(key, headers.unpack(count)))
            recent = self._recent = _UnpackedSeries(headers, count, stacks)
        return recent


class DescribedStack:
    """One stack of a series, without its frames.

    Parameters
    ----------
    headers : PackedHeaders
        The headers of the series. Others may be appended later.
    count : int
        How many of the headers, from the first, belong to it.
    key : hashable
        What the files of the series share.
    index : int
        Index of the stack among those of the series.
    recent : RecentStacks
        Shared by all series of the list.
    """

    def __init__(
        self, headers: PackedHeaders, count: int, key: Hashable, index: int, recent: RecentStacks
    ) -> None:
        self._headers, self._count, self._key, self._index = headers, count, key, index
        self._recent = recent

    def load(self) -> Stack:
        """Return the stack with its frames."""
        return self._recent.get(self._headers, self._count, self._key)[self._index]

    def load_slices(self) -> Any:
        """Return its slices as a lazy array in world order."""
        return self._recent.get_slices(self._headers, self._count, self._key, self._index)

    def forget_frames(self, volume: Volume) -> None:
        """Let the volume of this stack make its frames again whenever slices of it are read."""
        data = volume.data
        slices = _ForgottenSlices(self, data)
        volume.data = da.from_array(slices, data.chunks, name=False, meta=data._meta)  # type: ignore[no-untyped-call]


class _ForgottenSlices:
    """An array-like that makes the frames of its stack when it is indexed."""

    def __init__(self, stack: DescribedStack, data: Any) -> None:
        self._stack = stack
        self.shape, self.dtype, self.ndim = data.shape, data.dtype, data.ndim

    def __getitem__(self, index: Any) -> NDArray[Any]:
        # In this thread: dask has given it this chunk to read.
        return np.asarray(self._stack.load_slices()[index].compute(scheduler="synchronous"))
