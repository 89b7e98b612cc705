"""Contrast limits: the values drawn as black and as white, from windows or from the data."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Window

LIMIT_PERCENTILES = (1.0, 99.0)
"""Percentiles of the values between which *Window and level* sets a window."""

SAMPLED_VOXELS = 200_000
"""About how many voxels the percentiles are computed from, spread over the whole volume."""

SAMPLED_PLANES = 32
"""About how many planes these voxels come from at most, so that little of a lazy array is read."""

SMALLEST_FLOAT32 = 1e-37
"""About the smallest normal number of single precision, in which the GPU draws values."""


def limits_from_window(
    center: float, width: float, function: str = "LINEAR"
) -> tuple[float, float]:
    """Return the contrast limits of a window: the values drawn as black and as white.

    Parameters
    ----------
    center, width : float
        WindowCenter and WindowWidth, in the unit of the values.
    function : str
        VOILUTFunction. ``LINEAR`` is defined for integers and spans ``width - 1``
        (PS3.3 C.11.2.1.2.1). ``LINEAR_EXACT`` spans ``width`` (C.11.2.1.3.2). ``SIGMOID`` has no
        limits and gets those of LINEAR_EXACT.
    """
    if function == "LINEAR":
        low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    else:
        low, high = center - width / 2, center + width / 2
    return make_drawable_limits(low, high)


def make_drawable_limits(low: float, high: float) -> tuple[float, float]:
    """Return contrast limits that napari can draw: finite, the second above the first."""
    low, high = float(low), float(high)
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    # The GPU draws in single precision, where a smaller difference would vanish.
    largest = max(abs(low), abs(high))
    min_width = max(largest * 1e-6, SMALLEST_FLOAT32)
    if high - low >= min_width:
        return low, high
    # All values are the same. If they are tiny because of their unit, a width of 1 would show
    # nothing.
    return low, low + (largest if SMALLEST_FLOAT32 < largest < 1e-3 else max(min_width, 1.0))


def find_percentile_limits(values: NDArray[Any]) -> tuple[float, float]:
    """Return the 1st and 99th percentile of the finite values in an array."""
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, LIMIT_PERCENTILES)
    if low == high:  # mostly background: show the few values that differ from it
        low, high = values.min(), values.max()
    return make_drawable_limits(low, high)


def estimate_limits(data: Any) -> tuple[float, float]:
    """Return contrast limits for a whole array, computed from a sample of it.

    Parameters
    ----------
    data : array
        With at least two axes. Of a lazy array, only the sample is read.
    """
    # Values near the largest of their type overflow in the computation of percentiles.
    with np.errstate(over="ignore", invalid="ignore"):
        return find_percentile_limits(sample_voxels(data))


def sample_voxels(data: Any, planes: int = SAMPLED_PLANES) -> NDArray[Any]:
    """Return about ``SAMPLED_VOXELS`` values of an array, evenly spread over it.

    Parameters
    ----------
    data : array
        With at least two axes. Of a lazy array, only the sample is read.
    planes : int
        About how many planes (along the last two axes) the values come from at most.

    Returns
    -------
    (n,) array
    """
    *leading, rows, columns = data.shape
    per_axis = math.ceil(planes ** (1 / max(len(leading), 1)))
    picked_indices = [
        sorted({round(n) for n in np.linspace(0, n - 1, min(n, per_axis))}) for n in leading
    ]
    count = math.prod(len(indices) for indices in picked_indices)
    step = max(1, math.isqrt(rows * columns * count // SAMPLED_VOXELS))
    parts = [
        np.asarray(data[(*index, slice(None, None, step), slice(None, None, step))]).ravel()
        for index in itertools.product(*picked_indices)
    ]
    return np.concatenate(parts)


def make_valid_windows(
    centers: Sequence[float], widths: Sequence[float], explanations: Sequence[str]
) -> tuple[Window, ...]:
    """Return the windows of a header, without those that cannot be shown.

    Parameters
    ----------
    centers, widths : sequence of float
        Values of WindowCenter and WindowWidth.
    explanations : sequence of str
        Values of WindowCenterWidthExplanation; missing ones are empty.
    """
    names = [*explanations, *[""] * len(centers)]
    return tuple(
        (float(center), float(width), name)
        for center, width, name in zip(centers, widths, names, strict=False)
        if math.isfinite(center) and math.isfinite(width) and width > 0
    )
