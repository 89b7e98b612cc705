"""The voxels of a volume in the order of files, and in a type that files have."""

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
"""Label of the leading axis that holds the numbers of one voxel."""

_BLOCK = 1 << 24
"""About so many bytes of an array in memory are written at a time."""


def find_stored_type(volume: Volume) -> tuple[np.dtype[Any], tuple[str, ...]]:
    """Return the little-endian type to write a volume in, and what to say about it.

    Raises
    ------
    CannotWrite
        Where there are no voxels, or they are no numbers that image files hold.
    """
    if not math.prod(volume.data.shape):
        raise CannotWrite(f"{volume.name}: it is empty, there is nothing to write.")
    dtype = np.dtype(volume.data.dtype)
    notes: tuple[str, ...] = ()
    if dtype.kind == "b":
        dtype = np.dtype(np.uint8)
    elif dtype == np.float16:
        dtype = np.dtype(np.float32)
        notes = ("Numbers of 16-bit floating point were written as 32-bit, with the same values.",)
    elif dtype.kind in "iu" and dtype.itemsize == 8:
        notes = ("The numbers are whole and of 64 bits, which some programs cannot read.",)
    elif dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise CannotWrite(
            f"{volume.name}: image files hold no values of the type {dtype}. "
            "Convert them to whole numbers or floating point first."
        )
    return dtype.newbyteorder("<"), notes


def find_channel_axis(volume: Volume) -> int | None:
    """Return which leading axis holds the numbers of one voxel, if one does."""
    return next((n for n, axis in enumerate(volume.leading) if axis.label == CHANNEL_LABEL), None)


def read_blocks(
    volume: Volume,
    dtype: np.dtype[Any],
    progress: Progress = no_progress,
    *,
    interleaved: bool = True,
) -> Iterator[NDArray[Any]]:
    """Yield the voxels in pieces that follow one another in C order, one in memory at a time.

    Parameters
    ----------
    volume : Volume
        What is to be written. A lazy array is read piece by piece.
    dtype : dtype
        The type of the pieces.
    progress : Progress
        Reports progress, and stops.
    interleaved : bool
        Whether the ``channel`` axis becomes the last, as colour is, or stays where it is.
    """
    data = volume.data
    axis = find_channel_axis(volume) if interleaved else None
    shape = [n for at, n in enumerate(data.shape) if at != axis]
    # Whole slabs of the first grid axis that is no plane; leading axes one by one.
    at = max(len(shape) - 3 - volume.rgb, 0)
    cuts = find_block_edges(
        data, at + (axis is not None and axis <= at), math.prod(shape[at + 1 :])
    )
    steps = [(*index, slice(*edge)) for index in np.ndindex(*shape[:at]) for edge in pairwise(cuts)]
    for step in progress(steps, f"Writing {volume.name}"):
        if axis is None:
            piece = np.asarray(data[step])
        else:
            channels = range(data.shape[axis])
            piece = np.stack(
                [np.asarray(data[(*step[:axis], n, *step[axis:])]) for n in channels], axis=-1
            )
        yield np.ascontiguousarray(piece, dtype=dtype)


def find_block_edges(data: Any, axis: int, plane: int) -> list[int]:
    """Return where to cut an axis: where chunks end, else in slabs of a good size."""
    length = data.shape[axis]
    chunks = getattr(data, "chunks", None)
    if chunks:
        along = chunks[axis]
        thick = [along] * math.ceil(length / along) if isinstance(along, int) else along
        return [min(n, length) for n in (0, *np.cumsum(thick).tolist())]
    step = max(1, _BLOCK // max(1, plane * data.dtype.itemsize))
    return [*range(0, length, step), length]


def find_value_range(volume: Volume, progress: Progress = no_progress) -> tuple[Any, Any] | None:
    """Return the smallest and largest finite value, read piece by piece; None without any."""
    dtype, _ = find_stored_type(volume)
    low: Any = np.inf
    high: Any = -np.inf
    for piece in read_blocks(volume, dtype, progress):
        values = piece[np.isfinite(piece)] if piece.dtype.kind == "f" else piece
        if values.size:
            low, high = min(low, values.min()), max(high, values.max())
    return (low.item(), high.item()) if low <= high else None
