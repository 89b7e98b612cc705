"""How values become grey levels: windows and contrast limits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Window

LIMIT_PERCENTILES = (1.0, 99.0)
"""Share of values, in percent, below the contrast limits where a file has no window."""

SAMPLED_VOXELS = 200_000
"""Percentiles are taken from about this many voxels, spread over the whole volume."""

SAMPLED_PLANES = 32
"""... from at most about this many planes, so that a memory-mapped file is hardly read."""

_SMALLEST = 1e-37
"""Next to the smallest number of single precision, in which values are drawn."""


def limits_from_window(
    center: float, width: float, function: str = "LINEAR"
) -> tuple[float, float]:
    """Return the values at which a window turns black and white.

    Parameters
    ----------
    center, width : float
        WindowCenter and WindowWidth, in the unit of the values.
    function : str
        VOILUTFunction. ``LINEAR`` is defined for whole numbers and spans ``width - 1``
        (PS3.3 C.11.2.1.2.1); ``LINEAR_EXACT`` spans ``width`` (C.11.2.1.3.2);
        ``SIGMOID`` has no ends and is shown between those of LINEAR_EXACT.
    """
    if function == "LINEAR":
        low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    else:
        low, high = center - width / 2, center + width / 2
    return make_drawable_limits(low, high)


def make_drawable_limits(low: float, high: float) -> tuple[float, float]:
    """Return limits that napari can draw: finite, the second above the first."""
    low, high = float(low), float(high)
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    # A step of one in the last digit would vanish in single precision on the GPU, and so would
    # numbers that have no place there.
    largest = max(abs(low), abs(high))
    least = max(largest * 1e-6, _SMALLEST)
    if high - low >= least:
        return low, high
    # Of what is all alike; where units make values tiny, a width of one would show nothing.
    return low, low + (largest if _SMALLEST < largest < 1e-3 else max(least, 1.0))


def find_percentile_limits(values: NDArray[Any]) -> tuple[float, float]:
    """Return the 1st and 99th percentile of the finite values among ``values``."""
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, LIMIT_PERCENTILES)
    if low == high:  # mostly background: show what stands out from it
        low, high = values.min(), values.max()
    return make_drawable_limits(low, high)


def estimate_limits(data: Any) -> tuple[float, float]:
    """Return the percentile limits of a whole array, from a sample of it."""
    # Numbers near the largest there are overflow on the way to a percentile.
    with np.errstate(over="ignore", invalid="ignore"):
        return find_percentile_limits(sample_voxels(data))


def sample_voxels(data: Any, planes: int = SAMPLED_PLANES) -> NDArray[Any]:
    """Return about ``SAMPLED_VOXELS`` values of an array of two axes or more, as one row.

    They are spread over at most about ``planes`` of its planes (the last two axes).
    """
    *leading, rows, columns = data.shape
    per_axis = math.ceil(planes ** (1 / max(len(leading), 1)))
    picks = [sorted({round(n) for n in np.linspace(0, n - 1, min(n, per_axis))}) for n in leading]
    count = math.prod(len(p) for p in picks)
    step = max(1, math.isqrt(rows * columns * count // SAMPLED_VOXELS))
    parts = [
        np.asarray(data[(*at, slice(None, None, step), slice(None, None, step))]).ravel()
        for at in itertools.product(*picks)
    ]
    return np.concatenate(parts)


def make_valid_windows(
    centers: Sequence[float], widths: Sequence[float], explanations: Sequence[str]
) -> tuple[Window, ...]:
    """Pair centers and widths with their explanations, leaving out what cannot be shown."""
    named = [*explanations, *[""] * len(centers)]
    return tuple(
        (float(center), float(width), name)
        for center, width, name in zip(centers, widths, named, strict=False)
        if math.isfinite(center) and math.isfinite(width) and width > 0
    )
