"""Conversion of colour to grey."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.progress import Progress, no_progress

MEAN, REC_601, REC_709 = "mean", "Rec. 601", "Rec. 709"

LUMA_WEIGHTS = MappingProxyType(
    {
        MEAN: (1, 1, 1),
        REC_601: (299, 587, 114),
        REC_709: (2126, 7152, 722),
    }
)
"""Weights of red, green and blue, to be divided by their sum: the mean, the luma of ITU-R BT.601-7
(2.5.1) and that of ITU-R BT.709-6 (3.2). Both lumas are defined for the values as stored."""

CONVERSION_BLOCK_BYTES = 1 << 24
"""About how many bytes of colour are converted at a time."""


def to_grayscale(color: Any, luma: str = MEAN, *, progress: Progress = no_progress) -> Any:
    """Return a colour array converted to grey.

    Parameters
    ----------
    color : array
        Shape (..., row, column, 3 or 4). The fourth channel, alpha, is ignored. For a dask array
        a dask array is returned, and nothing is read.
    luma : str
        A key of ``LUMA_WEIGHTS``.
    progress : Progress
        Reports progress, and cancels.

    Returns
    -------
    array
        Shape (..., row, column), of the same type. Integers are rounded to the nearest; up to 16
        bits, halves are rounded up.
    """
    weights = LUMA_WEIGHTS[luma]
    if hasattr(color, "map_blocks"):
        rechunked = color.rechunk({color.ndim - 1: -1})  # all channels of a pixel in one chunk
        return rechunked.map_blocks(
            _compute_weighted_mean,
            weights=weights,
            drop_axis=color.ndim - 1,
            dtype=color.dtype,
            meta=np.empty((0,) * (color.ndim - 1), color.dtype),
        )
    out = np.empty(color.shape[:-1], color.dtype)
    *leading, rows, columns, channels = color.shape
    step = max(1, CONVERSION_BLOCK_BYTES // max(1, columns * channels * color.dtype.itemsize))
    blocks = [
        (*index, slice(row, row + step))
        for index in np.ndindex(*leading)
        for row in range(0, rows, step)
    ]
    for block in progress(blocks, "Converting to grey"):
        out[block] = _compute_weighted_mean(color[block], weights)
    return out


def find_grayscale_limits(values: Any) -> tuple[float, float]:
    """Return the contrast limits with which grey is as bright as the colour it comes from.

    These are the range of the type, and 0 to 1 for floating point, as napari draws colour. If
    16-bit values only use fewer bits, such as 10 or 12, these are their range; a lazy array is
    not read to find that out.

    Parameters
    ----------
    values : array
        Grey or colour values.
    """
    dtype = np.dtype(values.dtype)
    if dtype.kind not in "iu":
        return 0.0, 1.0
    highest = int(np.iinfo(dtype).max)
    if dtype.itemsize == 2 and isinstance(values, np.ndarray) and values.size:
        used_bits = max(8, math.ceil(math.log2(max(int(values.max()), 1) + 1)))
        highest = min(highest, 2**used_bits - 1)
    return 0.0, float(highest)


def _compute_weighted_mean(color: NDArray[Any], weights: tuple[int, ...]) -> NDArray[Any]:
    """Return the weighted mean of red, green and blue, in the type of the colour."""
    dtype, weight_sum = color.dtype, sum(weights)
    # With values of up to 16 bits the sum fits into 32 bits, and rounding is exact.
    is_exact = dtype.kind in "iu" and dtype.itemsize <= 2
    total = np.zeros(color.shape[:-1], np.int32 if is_exact else np.float64)
    for channel, weight in enumerate(weights):
        total += np.multiply(color[..., channel], weight, dtype=total.dtype)
    if is_exact:
        return np.asarray(((total + weight_sum // 2) // weight_sum).astype(dtype))
    total /= weight_sum
    return np.asarray((np.rint(total) if dtype.kind in "iu" else total).astype(dtype))
