"""Statistics of regions, compared with numpy, and pixels inside shapes."""

import math

import numpy as np
import pytest

from napari_medread.core.region_statistics import (
    StatisticsAccumulator,
    find_pixels_in_ellipse,
    find_pixels_in_polygon,
)


def accumulate(values, regions, pieces):
    accumulator = StatisticsAccumulator()
    for part in np.array_split(np.arange(len(values)), pieces):
        accumulator.add(values[part], regions[part])
    return dict(accumulator)


@pytest.mark.parametrize("pieces", [1, 3, 12])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_statistics_are_those_of_numpy(dtype, pieces):
    random = np.random.default_rng(0)
    values = random.integers(0, 250, (12, 9, 10)).astype(dtype)
    regions = random.integers(-1, 4, values.shape)
    regions[:6][regions[:6] == 3] = 0  # a region that begins late
    found = accumulate(values, regions, pieces)
    assert sorted(found) == [-1, 1, 2, 3]
    for number, one in found.items():
        inside = values[regions == number].astype(float)
        assert (one.voxel_count, one.non_finite_count) == (inside.size, 0)
        assert one.mean == pytest.approx(inside.mean())
        assert one.standard_deviation == pytest.approx(inside.std())
        assert (one.minimum, one.maximum) == (inside.min(), inside.max())


def test_values_that_are_not_finite_are_left_out_and_counted():
    values = np.array([[1.0, math.nan, 3], [math.inf, -math.inf, 5], [math.nan] * 3])
    regions = np.array([[1, 1, 1], [2, 2, 2], [3, 3, 0]])
    found = accumulate(values, regions, 3)
    assert found[1] == (3, 1, 2, 1, 1, 3)
    assert found[2] == (3, 2, 5, 0, 5, 5)
    assert found[3][:2] == (2, 2)
    assert all(math.isnan(each) for each in found[3][2:])


def test_large_values_that_vary_little_keep_their_deviation():
    values = 1e9 + np.tile([-1.0, 1.0], (50, 10))
    found = accumulate(values, np.ones(values.shape, int), 10)
    assert found[1].standard_deviation == pytest.approx(1, abs=1e-6)


def test_polygons_that_share_sides_share_no_pixel():
    corners = np.random.default_rng(1).uniform(0, 20, (3, 2))
    whole = np.array([(-1, -1), (-1, 21), (21, 21), (21, -1)], float)
    # The square cut into four triangles about a point on a pixel's centre.
    for middle in [*corners, (10.0, 10.0)]:
        cut = [
            find_pixels_in_polygon([whole[n], whole[(n + 1) % 4], middle], (21, 21))
            for n in range(4)
        ]
        np.testing.assert_array_equal(np.sum(cut, axis=0), np.ones((21, 21)))


def test_a_rectangle_contains_the_centres_inside():
    found = find_pixels_in_polygon([(1.5, 2.5), (1.5, 6.5), (4.5, 6.5), (4.5, 2.5)], (8, 9))
    expected = np.zeros((8, 9), bool)
    expected[2:5, 3:7] = True
    np.testing.assert_array_equal(found, expected)
    # Half of it outside.
    found = find_pixels_in_polygon([(-3, -3), (-3, 1.5), (1.5, 1.5), (1.5, -3)], (8, 9))
    expected = np.zeros((8, 9), bool)
    expected[:2, :2] = True
    np.testing.assert_array_equal(found, expected)
    assert not find_pixels_in_polygon([(30, 30), (30, 40), (40, 40)], (8, 9)).any()


def test_a_concave_polygon_has_its_notch_outside():
    found = find_pixels_in_polygon([(0, 0), (0, 9), (9, 9), (9, 0), (4.5, 4.5)], (10, 10))
    assert found[4, 7]
    assert not found[4, 1]


def test_an_ellipse_contains_the_centres_inside():
    centre, a, b = (20.3, 14.8), 9.0, 5.5
    corners = np.array([(-a, -b), (a, -b), (a, b), (-a, b)]) + centre
    rows, columns = np.mgrid[:40, :30]
    expected = ((rows - centre[0]) / a) ** 2 + ((columns - centre[1]) / b) ** 2 <= 1
    np.testing.assert_array_equal(find_pixels_in_ellipse(corners, (40, 30)), expected)
    assert not find_pixels_in_ellipse(np.ones((4, 2)), (40, 30)).any()
