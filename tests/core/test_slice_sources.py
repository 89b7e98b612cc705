"""The source image of each slice, also after cropping or moving the volume."""

import numpy as np
import pytest

from napari_medread.core.geometry import Geometry
from napari_medread.core.slice_sources import SliceSources

AFFINE = np.array([[0.0, 0, 2, -10], [0, 3, 0, -20], [-5, 0, 0, 30], [0, 0, 0, 1]])
GRID = Geometry((6, 4, 3), AFFINE)


def frames(at, grid=GRID, leading_shape=()):
    shape = (*leading_shape, len(at))
    numbers = np.arange(np.prod(shape)).reshape(shape)
    return SliceSources(numbers, numbers + 100, np.array(at, float), grid)


def test_every_slice_has_its_image():
    found = frames(range(6))
    for n in range(6):
        assert found.find_nearest((), (n, 2, 1)) == (n, n + 100, 0.0)


def test_a_missing_slice_has_no_image():
    found = frames([0, 1, 3, 4, 5])
    assert found.find_nearest((), (2, 0, 0)) is None
    assert found.find_nearest((), (3, 0, 0)) == (2, 102, 0.0)
    assert found.find_nearest((), (9, 0, 0)) is None


def test_between_uneven_images_the_nearest_has_a_distance():
    found = frames([0, 1.3, 4.5, 5])
    assert found.find_nearest((), (1, 0, 0)) == pytest.approx((1, 101, 0.3 * 5))
    assert found.find_nearest((), (3, 0, 0)) == pytest.approx((2, 102, 1.5 * 5))
    assert found.find_nearest((), (5, 0, 0)).distance == 0


def test_leading_axes_select_the_image():
    found = frames(range(6), leading_shape=(2, 3))
    assert found.find_nearest((1, 2), (4, 0, 0)).file_index == (1 * 3 + 2) * 6 + 4
    assert found.is_valid_for(36, (2, 3))
    assert not found.is_valid_for(35, (2, 3))  # some files are not known
    assert not found.is_valid_for(36, (6,))


def test_images_without_a_position():
    found = frames([0], None, (5,))
    assert found.find_nearest((3,)) == (3, 103, 0.0)


def test_a_cropped_or_flipped_volume_finds_its_images():
    found = frames(range(6))
    cut, flipped = AFFINE.copy(), AFFINE.copy()
    cut[:3, 3] = AFFINE[:3] @ [2, 1, 0, 1]
    flipped[:3, 0] *= -1
    flipped[:3, 3] = AFFINE[:3] @ [5, 0, 0, 1]
    assert found.find_nearest((), (0, 0, 0), Geometry((3, 3, 3), cut)).file_index == 2
    assert found.find_nearest((), (1, 0, 0), Geometry((6, 4, 3), flipped)).file_index == 4


def test_the_slice_axis_need_not_be_the_first():
    found = frames(range(6), GRID.permute_axes((1, 2, 0)))
    assert found.find_nearest((), (0, 0, 4)).file_index == 4


def test_slices_of_a_finer_grid_have_a_distance():
    fine = AFFINE.copy()
    fine[:3, 0] /= 2
    found = frames(range(6))
    assert found.find_nearest((), (6, 0, 0), Geometry((11, 4, 3), fine)) == (3, 103, 0.0)
    assert found.find_nearest((), (7, 0, 0), Geometry((11, 4, 3), fine)).distance == pytest.approx(
        2.5
    )


def test_moving_a_volume_moves_its_images():
    motion = np.array([[0.8, -0.6, 0, 5], [0.6, 0.8, 0, 7], [0, 0, 1, 11], [0, 0, 0, 1.0]])
    after = Geometry(GRID.shape, motion @ AFFINE)
    found = frames(range(6)).follow_motion(AFFINE, after)
    assert [found.find_nearest((), (n, 0, 0), after).file_index for n in range(6)] == list(range(6))
    assert found.find_nearest((), (2, 0, 0), after).distance == 0
    assert frames(range(6)).follow_motion(AFFINE, None) is None
    assert frames(range(6)).follow_motion(None, after) is None
    assert frames([0], None).follow_motion(None, None) is not None
