"""Lengths, angles and areas that are known from geometry."""

import math

import numpy as np
import pytest

from napari_medread.core.shape_measurement import (
    is_self_intersecting,
    measure_angle,
    measure_ellipse_area,
    measure_ellipse_perimeter,
    measure_length,
    measure_polygon_area,
    project_to_plane,
)

TURN = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]


def in_space(points):
    """Return points of a plane, rotated and moved in space."""
    return np.pad(np.asarray(points, float), ((0, 0), (0, 1))) @ TURN.T + (100, -200, 300)


@pytest.fixture(params=[np.asarray, in_space], ids=["plane", "space"])
def place(request):
    return request.param


def test_a_triangle_of_3_4_5(place):
    points = place([(0, 0), (3, 0), (3, 4)])
    assert measure_length(points) == pytest.approx(7)
    assert measure_length(points, closed=True) == pytest.approx(12)
    assert measure_polygon_area(points) == pytest.approx(6)
    assert measure_angle(points) == pytest.approx(90)
    assert measure_angle(np.roll(points, 1, axis=0)) == pytest.approx(
        math.degrees(math.atan2(4, 3))
    )


@pytest.mark.parametrize("degrees", [0, 1e-4, 30, 89.9, 120, 179.9999, 180])
def test_angles(place, degrees):
    at = math.radians(degrees)
    assert measure_angle(
        place([(7, 0), (0, 0), (2 * math.cos(at), 2 * math.sin(at))])
    ) == pytest.approx(degrees, abs=1e-9 if place is np.asarray else 1e-5)
    assert math.isnan(measure_angle(place([(0, 0), (0, 0), (1, 1)])))


def test_concave_polygons(place):
    letter_l = [(0, 0), (4, 0), (4, 1), (1, 1), (1, 3), (0, 3)]
    for points in (letter_l, letter_l[::-1]):
        assert measure_polygon_area(place(points)) == pytest.approx(6)
        assert not is_self_intersecting(points)


def test_crossing_sides():
    assert is_self_intersecting([(0, 0), (1, 1), (1, 0), (0, 1)])
    assert not is_self_intersecting([(0, 0), (1, 0), (1, 1), (0, 1)])
    assert not is_self_intersecting([(0, 0), (2, 0), (1, 0)])
    round_ = [(math.cos(t), math.sin(t)) for t in np.linspace(0, 2 * math.pi, 1000)]
    assert not is_self_intersecting(round_)
    swapped = [*round_]
    swapped[700], swapped[705] = swapped[705], swapped[700]
    assert is_self_intersecting(swapped)


def test_ellipses(place):
    a, b = 7.0, 3.0
    corners = place([(-a, -b), (a, -b), (a, b), (-a, b)])
    assert measure_ellipse_area(corners) == pytest.approx(math.pi * a * b)
    # Ramanujan's second formula; here off by less than 1e-6.
    h = ((a - b) / (a + b)) ** 2
    perimeter = math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))
    assert measure_ellipse_perimeter(corners) == pytest.approx(perimeter, rel=1e-6)
    circle = place([(-2, -2), (2, -2), (2, 2), (-2, 2)])
    assert measure_ellipse_perimeter(circle) == pytest.approx(4 * math.pi)
    line = place([(-5, 0), (5, 0), (5, 0), (-5, 0)])
    assert measure_ellipse_area(line) == 0
    assert measure_ellipse_perimeter(line) == pytest.approx(20, rel=1e-5)


def test_an_ellipse_in_a_slanted_parallelogram():
    # The circle of radius 2 sheared by 1: its area stays.
    corners = np.array([(-2, -2), (2, -2), (2, 2), (-2, 2)]) @ np.array([[1, 0], [1, 1.0]])
    assert measure_ellipse_area(corners) == pytest.approx(4 * math.pi)
    t = np.linspace(0, 2 * math.pi, 100_001)
    outline = np.stack([2 * np.cos(t), 2 * np.sin(t)], axis=1) @ np.array([[1, 0], [1, 1.0]])
    assert measure_ellipse_perimeter(corners) == pytest.approx(measure_length(outline), rel=1e-6)


def test_the_plane_in_which_points_lie():
    flat = np.random.default_rng(2).uniform(-9, 9, (12, 2))
    found = project_to_plane(in_space(flat).astype(np.float32))
    apart = np.linalg.norm(flat[:, None] - flat, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found, axis=-1), apart, atol=1e-3)
    bent = in_space(flat)
    bent[3] += TURN[:, 2]
    assert project_to_plane(bent) is None
    assert project_to_plane(bent[:2]).shape[0] == 2


@pytest.mark.parametrize("seed", range(30))
def test_crossing_sides_are_found_among_many(seed):
    random = np.random.default_rng(seed)
    # Stars about a point do not cross themselves; random corners nearly always do.
    at = np.sort(random.uniform(0, 2 * math.pi, 40))
    star = np.stack([np.cos(at), np.sin(at)], axis=1) * random.uniform(0.3, 1, (40, 1))
    for points in (star, random.uniform(-1, 1, (4, 2)), random.uniform(-1, 1, (12, 2))):
        assert is_self_intersecting(points) == by_parameters(points)


def by_parameters(points):
    """Return whether sides cross, by solving for the intersection of each pair."""
    ends = np.roll(points, -1, axis=0)
    for n in range(len(points)):
        for m in range(n):
            sides = np.stack([ends[n] - points[n], points[m] - ends[m]], axis=1)
            if abs(np.linalg.det(sides)) > 1e-12:
                met = np.linalg.solve(sides, points[m] - points[n])
                if ((met > 1e-9) & (met < 1 - 1e-9)).all():
                    return True
    return False
