"""Names of directions, positions and planes, against the standard."""

import numpy as np
import pytest

from napari_medread.core.anatomical_directions import (
    PLANE_AXES,
    find_plane_along_axis,
    format_direction,
    format_position,
    order_axes_for_plane,
)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ((1, 0, 0), "L"),
        ((-2, 0, 0), "R"),
        ((0, 1, 0), "P"),
        ((0, -1, 0), "A"),
        ((0, 0, 1), "S"),
        ((0, 0, -0.1), "I"),
        # 19 and 21 degrees from the front towards the patient's right.
        ((-np.sin(np.radians(19)), -np.cos(np.radians(19)), 0), "A"),
        ((-np.sin(np.radians(21)), -np.cos(np.radians(21)), 0), "AR"),
        ((1, 1, 1), "LPS"),
        ((0, 0, 0), ""),
        ((np.nan, 0, 0), ""),
    ],
)
def test_letters_of_a_direction(direction, expected):
    assert format_direction(direction) == expected


def test_opposite_directions_have_opposite_letters():
    opposite = str.maketrans("LRAPSI", "RLPAIS")
    for direction in np.random.default_rng(0).normal(size=(50, 3)):
        assert format_direction(-direction) == format_direction(direction).translate(opposite)


def test_coordinates_are_letters_and_distances():
    assert format_position((12.34, 40, 88.06)) == "L 12.3  P 40.0  S 88.1 mm"
    assert format_position((-12.34, -0.04, -7)) == "R 12.3  P 0.0  I 7.0 mm"


@pytest.mark.parametrize(
    ("plane", "expected"),
    [("axial", (0, 1, 2)), ("coronal", (1, 0, 2)), ("sagittal", (2, 0, 1))],
)
def test_planes_by_the_axes_si_ap_rl(plane, expected):
    assert order_axes_for_plane(plane, 3) == expected
    assert order_axes_for_plane(plane, 5) == (0, 1, *(2 + axis for axis in expected))
    assert find_plane_along_axis(expected[0]) == plane
    assert set(PLANE_AXES) == {"axial", "coronal", "sagittal"}
