"""Colour to grey."""

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
"""Red, green and blue in parts of their sum: the plain mean; luma of ITU-R BT.601-7, 2.5.1; and of
ITU-R BT.709-6, 3.2. Both lumas are defined for the values as they are stored."""

_BLOCK = 1 << 24
"""About so many bytes of colour are taken at a time."""


def to_grayscale(color: Any, luma: str = MEAN, *, progress: Progress = no_progress) -> Any:
    """Return the grey of a colour array.

    Parameters
    ----------
    color : array
        Shape (..., row, column, 3 or 4). The fourth, alpha, is left out. A dask array stays
        one: nothing of it is read.
    luma : str
        One of ``LUMA_WEIGHTS``.
    progress : Progress
        Reports progress, and stops.

    Returns
    -------
    array
        Shape (..., row, column), of the same type. Whole numbers are rounded to the
        nearest, halves up, so that 8 bits stay 8 bits.
    """
    weights = LUMA_WEIGHTS[luma]
    if hasattr(color, "map_blocks"):
        whole = color.rechunk({color.ndim - 1: -1})
        return whole.map_blocks(
            _weighted,
            weights=weights,
            drop_axis=color.ndim - 1,
            dtype=color.dtype,
            meta=np.empty((0,) * (color.ndim - 1), color.dtype),
        )
    out = np.empty(color.shape[:-1], color.dtype)
    *leading, rows, columns, channels = color.shape
    step = max(1, _BLOCK // max(1, columns * channels * color.dtype.itemsize))
    pieces = [
        (*index, slice(row, row + step))
        for index in np.ndindex(*leading)
        for row in range(0, rows, step)
    ]
    for piece in progress(pieces, "Colour to grey"):
        out[piece] = _weighted(color[piece], weights)
    return out


def find_grayscale_limits(values: Any) -> tuple[float, float]:
    """Return the contrast limits with which grey looks as bright as its colour does.

    These are all that the type holds, and 0 to 1 for floating point, as colour is drawn.
    Values of 16 bits that use fewer, as 10 or 12, get those: all of them are looked at,
    except of a lazy array.
    """
    dtype = np.dtype(values.dtype)
    if dtype.kind not in "iu":
        return 0.0, 1.0
    highest = int(np.iinfo(dtype).max)
    if dtype.itemsize == 2 and isinstance(values, np.ndarray) and values.size:
        used = max(8, math.ceil(math.log2(max(int(values.max()), 1) + 1)))
        highest = min(highest, 2**used - 1)
    return 0.0, float(highest)


def _weighted(color: NDArray[Any], weights: tuple[int, ...]) -> NDArray[Any]:
    """Return the weighted mean of red, green and blue, in the type of the colour."""
    dtype, whole = color.dtype, sum(weights)
    # Up to 16 bits all of it fits into 32, and rounding is exact.
    is_exact = dtype.kind in "iu" and dtype.itemsize <= 2
    total = np.zeros(color.shape[:-1], np.int32 if is_exact else np.float64)
    for channel, weight in enumerate(weights):
        total += np.multiply(color[..., channel], weight, dtype=total.dtype)
    if is_exact:
        return np.asarray(((total + whole // 2) // whole).astype(dtype))
    total /= whole
    return np.asarray((np.rint(total) if dtype.kind in "iu" else total).astype(dtype))
