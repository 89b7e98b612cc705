"""Which voxels lie inside a shape, and the statistics of values by region."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_medread.core.affines import invert_affine
from napari_medread.core.shape_measurement import find_conjugate_radii


class RegionStatistics(NamedTuple):
    """The values of one region.

    Attributes
    ----------
    voxels : int
        Voxels of the region, with those that are left out.
    left_out : int
        Those that hold no finite number.
    mean, deviation, lowest, highest : float
        Of the others, nan where there are none. The standard deviation is that of the
        voxels themselves, divided by their number, as ``numpy.std`` has it.
    """

    voxels: int = 0
    left_out: int = 0
    mean: float = math.nan
    deviation: float = math.nan
    lowest: float = math.nan
    highest: float = math.nan


class StatisticsAccumulator:
    """Statistics of regions that come in pieces, of which none is kept.

    Means and squares of the pieces are joined as by Chan, Golub and LeVeque (1983), which
    loses no digits where values are large and spread little.
    """

    def __init__(self) -> None:
        self._found: dict[int, tuple[RegionStatistics, float]] = {}

    def add(self, values: NDArray[Any], regions: NDArray[Any]) -> None:
        """Take a piece: values, and the number of the region of each, 0 for none."""
        inside = regions != 0
        if not inside.any():
            return
        values, regions = values[inside].astype(np.float64), regions[inside]
        order = np.argsort(regions, kind="stable")
        values, regions = values[order], regions[order]
        numbers, starts = np.unique(regions, return_index=True)
        for number, part in zip(numbers.tolist(), np.split(values, starts[1:]), strict=True):
            self._join(int(number), part)

    def _join(self, number: int, part: NDArray[np.float64]) -> None:
        finite = part[np.isfinite(part)]
        before, squares = self._found.get(number, (RegionStatistics(), 0.0))
        voxels, left_out = before.voxels + part.size, before.left_out + part.size - finite.size
        if not finite.size:
            self._found[number] = before._replace(voxels=voxels, left_out=left_out), squares
            return
        mean, lowest, highest = (float(f(finite)) for f in (np.mean, np.min, np.max))
        squares += float(np.square(finite - mean).sum())
        earlier = before.voxels - before.left_out
        if earlier:
            total, apart = earlier + finite.size, mean - before.mean
            squares += apart * apart * earlier * finite.size / total
            mean = before.mean + apart * finite.size / total
            lowest, highest = min(lowest, before.lowest), max(highest, before.highest)
        deviation = math.sqrt(squares / (voxels - left_out))
        found = RegionStatistics(voxels, left_out, mean, deviation, lowest, highest)
        self._found[number] = found, squares

    def __iter__(self) -> Iterator[tuple[int, RegionStatistics]]:
        """Yield the regions by number."""
        for number in sorted(self._found):
            yield number, self._found[number][0]


def find_pixels_in_polygon(corners: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels have their centre inside a polygon.

    Parameters
    ----------
    corners : (n, 2) array
        Row and column of each, in pixels; the centre of the first pixel is (0, 0).
    shape : tuple of int
        Rows and columns.

    Notes
    -----
    A centre is inside where a ray from it crosses the outline an odd number of times. Of two
    polygons that share a side every centre on it belongs to just one.
    """
    start = np.asarray(corners, dtype=float)
    end = np.roll(start, -1, axis=0)
    out = np.zeros(shape, bool)
    columns = np.arange(shape[1])
    first = max(0, math.floor(start[:, 0].min()))
    last = min(shape[0] - 1, math.ceil(start[:, 0].max()))
    for row in range(first, last + 1):
        crossed = (start[:, 0] <= row) != (end[:, 0] <= row)
        a, b = start[crossed], end[crossed]
        at = np.sort(a[:, 1] + (row - a[:, 0]) / (b[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1]))
        out[row] = np.searchsorted(at, columns, side="right") % 2 == 1
    return out


def find_pixels_in_ellipse(corners: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels have their centre inside an ellipse, or on it.

    Parameters
    ----------
    corners : (4, 2) array
        Row and column of the corners of its parallelogram, in order.
    shape : tuple of int
        Rows and columns.
    """
    centre, a, b = find_conjugate_radii(corners)
    from_circle = np.eye(3)  # takes the unit circle to the ellipse, both around 0
    from_circle[:2, :2] = np.stack([a, b], axis=1)
    if abs(np.linalg.det(from_circle)) < 1e-12:
        return np.zeros(shape, bool)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    to_circle = invert_affine(from_circle)[:2, :2]
    u, v = (m[0] * (rows - centre[0]) + m[1] * (columns - centre[1]) for m in to_circle)
    return np.asarray(u * u + v * v <= 1 + 1e-9)
