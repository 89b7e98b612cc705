"""Which pixels lie inside a shape, and the statistics of the values of regions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_medread.core.affines import invert_affine
from napari_medread.core.shape_measurement import find_conjugate_radii


class RegionStatistics(NamedTuple):
    """Statistics of the values of one region.

    Attributes
    ----------
    voxel_count : int
        Number of voxels in the region, including those without a finite value.
    non_finite_count : int
        Number of voxels without a finite value, which the statistics leave out.
    mean, standard_deviation, minimum, maximum : float
        Statistics of the finite values, nan if there are none. The standard deviation is that
        of the population (divided by the number of values), as in ``numpy.std``.
    """

    voxel_count: int = 0
    non_finite_count: int = 0
    mean: float = math.nan
    standard_deviation: float = math.nan
    minimum: float = math.nan
    maximum: float = math.nan


class StatisticsAccumulator:
    """Statistics of regions, computed piece by piece without keeping the pieces.

    The means and sums of squares of the pieces are combined as in Chan, Golub and LeVeque
    (1983), which loses no digits where values are large and vary little. Iterating yields the
    number and the statistics of each region, sorted by number.
    """

    def __init__(self) -> None:
        # Statistics and sum of squared differences from the mean, by region number.
        self._regions: dict[int, tuple[RegionStatistics, float]] = {}

    def add(self, values: NDArray[Any], regions: NDArray[Any]) -> None:
        """Add a piece.

        Parameters
        ----------
        values : array
        regions : int array
            Of the same shape: the number of the region of each value, 0 for none.
        """
        inside = regions != 0
        if not inside.any():
            return
        values, regions = values[inside].astype(np.float64), regions[inside]
        order = np.argsort(regions, kind="stable")
        values, regions = values[order], regions[order]
        numbers, starts = np.unique(regions, return_index=True)
        for number, part in zip(numbers.tolist(), np.split(values, starts[1:]), strict=True):
            self._add_to_region(int(number), part)

    def _add_to_region(self, number: int, values: NDArray[np.float64]) -> None:
        finite = values[np.isfinite(values)]
        before, squares = self._regions.get(number, (RegionStatistics(), 0.0))
        voxel_count = before.voxel_count + values.size
        non_finite_count = before.non_finite_count + values.size - finite.size
        if not finite.size:
            statistics = before._replace(voxel_count=voxel_count, non_finite_count=non_finite_count)
            self._regions[number] = statistics, squares
            return
        mean, minimum, maximum = (float(f(finite)) for f in (np.mean, np.min, np.max))
        squares += float(np.square(finite - mean).sum())
        earlier = before.voxel_count - before.non_finite_count
        if earlier:
            total, difference = earlier + finite.size, mean - before.mean
            squares += difference * difference * earlier * finite.size / total
            mean = before.mean + difference * finite.size / total
            minimum, maximum = min(minimum, before.minimum), max(maximum, before.maximum)
        statistics = RegionStatistics(
            voxel_count,
            non_finite_count,
            mean,
            math.sqrt(squares / (voxel_count - non_finite_count)),
            minimum,
            maximum,
        )
        self._regions[number] = statistics, squares

    def __iter__(self) -> Iterator[tuple[int, RegionStatistics]]:
        for number in sorted(self._regions):
            yield number, self._regions[number][0]


def find_pixels_in_polygon(corners: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels have their centre inside a polygon.

    Parameters
    ----------
    corners : (n, 2) array
        Row and column of each corner, in pixels; the centre of the first pixel is (0, 0).
    shape : tuple of int
        Numbers of rows and columns.

    Returns
    -------
    (rows, columns) bool array

    Notes
    -----
    A centre is inside if a ray from it crosses the outline an odd number of times. Of two
    polygons that share a side, every centre on that side belongs to exactly one.
    """
    starts = np.asarray(corners, dtype=float)
    ends = np.roll(starts, -1, axis=0)
    mask = np.zeros(shape, bool)
    columns = np.arange(shape[1])
    first = max(0, math.floor(starts[:, 0].min()))
    last = min(shape[0] - 1, math.ceil(starts[:, 0].max()))
    for row in range(first, last + 1):
        is_crossed = (starts[:, 0] <= row) != (ends[:, 0] <= row)
        a, b = starts[is_crossed], ends[is_crossed]
        crossings = np.sort(a[:, 1] + (row - a[:, 0]) / (b[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1]))
        mask[row] = np.searchsorted(crossings, columns, side="right") % 2 == 1
    return mask


def find_pixels_in_ellipse(corners: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels have their centre inside an ellipse, or on it.

    Parameters
    ----------
    corners : (4, 2) array
        Row and column of the corners of its parallelogram, in order; see
        ``shape_measurement.measure_ellipse_area``.
    shape : tuple of int
        Numbers of rows and columns.

    Returns
    -------
    (rows, columns) bool array
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
