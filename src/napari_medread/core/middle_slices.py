"""A sample of an image: a few slices around the middle of a volume, in the middle of its time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLED_SLICES = 5
"""Number of slices that are looked at, spread over the middle of a volume."""

MIDDLE_PART = 0.4
"""The part of the slices that is looked at: the ends of a stack often show little."""

SAMPLED_VALUES = 40_000
"""About how many values of these slices are looked at."""


def pick_middle_slices(count: int) -> list[int]:
    """Return the indices of the slices to look at, of a stack of ``count``: around its middle."""
    middle = (count - 1) / 2
    reach = min(max(MIDDLE_PART / 2 * count, (SAMPLED_SLICES - 1) / 2), middle)
    picked = np.linspace(middle - reach, middle + reach, min(count, SAMPLED_SLICES))
    return [math.floor(n + 0.5) for n in picked]


def sample_middle_slices(data: Any, slice_axis: int = 0) -> NDArray[Any]:
    """Return values from several slices around the middle of an array.

    Parameters
    ----------
    data : array
        With at least two axes. Axes before the last three are looked at in their middle only. Of
        a lazy array, only a few slices are read.
    slice_axis : int
        Which of the last three axes the slices are stacked along, which is the fastest to read.

    Returns
    -------
    (n,) array
    """
    middle = tuple(n // 2 for n in data.shape[: max(data.ndim - 3, 0)])
    data = data[middle]
    if data.ndim < 3:
        return _thin_out(data, 1)
    picked = pick_middle_slices(data.shape[slice_axis])
    before = (slice(None),) * slice_axis
    return np.concatenate([_thin_out(data[(*before, n)], len(picked)) for n in picked])


def _thin_out(plane: Any, plane_count: int) -> NDArray[Any]:
    """Return evenly spread values of a plane, of which there are several."""
    step = find_sampling_step(plane.shape, plane_count)
    return np.asarray(plane[::step, ::step]).ravel()


def find_sampling_step(shape: tuple[int, ...], plane_count: int) -> int:
    """Return the step between sampled rows and columns of planes of a shape."""
    return max(1, round(math.sqrt(shape[0] * shape[1] * plane_count / SAMPLED_VALUES)))
