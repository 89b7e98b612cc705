"""Reading the voxels of a volume block by block, in the order and data type of image files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.errors import CannotWrite

CHANNEL_LABEL = "channel"
"""Label of the leading axis along which the components of one voxel lie."""

BLOCK_BYTES = 1 << 24
"""About how many bytes of an array in memory are written at a time."""


def find_stored_type(volume: Volume) -> tuple[np.dtype[Any], tuple[str, ...]]:
    """Return the little-endian data type in which a volume is written.

    Returns
    -------
    dtype : numpy.dtype
    notes : tuple of str
        Sentences for the user, if the type was changed or is unusual.

    Raises
    ------
    CannotWrite
        If the volume is empty, or image files cannot hold its values.
    """
    if not math.prod(volume.data.shape):
        raise CannotWrite(f"{volume.name}: it is empty, there is nothing to write.")
    dtype = np.dtype(volume.data.dtype)
    notes: tuple[str, ...] = ()
    if dtype.kind == "b":
        dtype = np.dtype(np.uint8)
    elif dtype == np.float16:
        dtype = np.dtype(np.float32)
        notes = ("16-bit floating-point values were written as 32-bit, without loss.",)
    elif dtype.kind in "iu" and dtype.itemsize == 8:
        notes = ("The values are 64-bit integers, which some programs cannot read.",)
    elif dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise CannotWrite(
            f"{volume.name}: image files cannot hold values of type {dtype}. "
            "Convert them to integers or floating point first."
        )
    return dtype.newbyteorder("<"), notes


def find_channel_axis(volume: Volume) -> int | None:
    """Return the leading axis labelled ``CHANNEL_LABEL``, None if there is none."""
    return next((n for n, axis in enumerate(volume.leading) if axis.label == CHANNEL_LABEL), None)


def read_blocks(
    volume: Volume,
    dtype: np.dtype[Any],
    progress: Progress = no_progress,
    *,
    interleaved: bool = True,
) -> Iterator[NDArray[Any]]:
    """Yield the voxels in blocks that follow each other in C order, one in memory at a time.

    Parameters
    ----------
    volume : Volume
        The volume to write. A lazy array is read block by block.
    dtype : dtype
        Data type of the blocks.
    progress : Progress
        Reports progress, and cancels.
    interleaved : bool
        Whether the ``channel`` axis is moved to the end, where colour is, or stays where it is.

    Yields
    ------
    array
        A block. Joined, the blocks are all voxels in C order.
    """
    data = volume.data
    channel_axis = find_channel_axis(volume) if interleaved else None
    shape = [n for axis, n in enumerate(data.shape) if axis != channel_axis]
    # Cut into slabs along the first of the last three axes, for each index before it.
    cut_axis = max(len(shape) - 3 - volume.rgb, 0)
    axis_in_data = cut_axis + (channel_axis is not None and channel_axis <= cut_axis)
    edges = find_block_edges(data, axis_in_data, math.prod(shape[cut_axis + 1 :]))
    indices = [
        (*leading, slice(*pair))
        for leading in np.ndindex(*shape[:cut_axis])
        for pair in pairwise(edges)
    ]
    for index in progress(indices, f"Writing {volume.name}"):
        if channel_axis is None:
            block = np.asarray(data[index])
        else:
            channels = range(data.shape[channel_axis])
            block = np.stack(
                [
                    np.asarray(data[(*index[:channel_axis], n, *index[channel_axis:])])
                    for n in channels
                ],
                axis=-1,
            )
        yield np.ascontiguousarray(block, dtype=dtype)


def find_block_edges(data: Any, axis: int, plane_size: int) -> list[int]:
    """Return the indices at which to cut an axis into blocks.

    Parameters
    ----------
    data : array
        If it has chunks, it is cut between them; otherwise into blocks of ``BLOCK_BYTES``.
    axis : int
        The axis to cut.
    plane_size : int
        Number of values at each index of the axis.

    Returns
    -------
    list of int
        From 0 to the length of the axis.
    """
    length = data.shape[axis]
    chunks = getattr(data, "chunks", None)
    if chunks:
        sizes = chunks[axis]
        if isinstance(sizes, int):  # zarr has one chunk size for each axis, dask a list of them
            sizes = [sizes] * math.ceil(length / sizes)
        return [min(n, length) for n in (0, *np.cumsum(sizes).tolist())]
    step = max(1, BLOCK_BYTES // max(1, plane_size * data.dtype.itemsize))
    return [*range(0, length, step), length]


def find_value_range(volume: Volume, progress: Progress = no_progress) -> tuple[Any, Any] | None:
    """Return the smallest and largest finite value, read block by block; None if there is none."""
    dtype, _ = find_stored_type(volume)
    low: Any = np.inf
    high: Any = -np.inf
    for block in read_blocks(volume, dtype, progress):
        values = block[np.isfinite(block)] if block.dtype.kind == "f" else block
        if values.size:
            low, high = min(low, values.min()), max(high, values.max())
    return (low.item(), high.item()) if low <= high else None
