"""Voxels as runs: filled contours against the even-odd rule, point by point."""

import numpy as np
import pytest

from napari_medread.core import voxel_runs
from napari_medread.core.voxel_runs import fill_contours, make_runs

SHAPE = (3, 30, 32)


def to_mask(runs):
    mask = np.zeros(runs.shape, np.uint8)
    runs.write_into(mask, 1)
    return mask.astype(bool)


def is_inside(polygon):
    """Return which pixel centres a polygon surrounds: a ray to the left crosses it oddly often."""
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    inside = np.zeros(rows.shape, bool)
    for (r0, c0), (r1, c1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if r0 == r1:
            continue
        crossed = (r0 <= rows) != (r1 <= rows)
        inside ^= crossed & (c0 + (rows - r0) * (c1 - c0) / (r1 - r0) <= columns)
    return inside


@pytest.mark.parametrize("seed", range(20))
def test_random_polygons_are_filled_by_the_even_odd_rule(seed):
    rng = np.random.default_rng(seed)
    polygons = [rng.uniform(-5, 37, (rng.integers(3, 40), 2)) for _ in range(3)]
    mask = to_mask(fill_contours(polygons, [1, 1, 2], SHAPE))
    np.testing.assert_array_equal(mask[1], is_inside(polygons[0]) ^ is_inside(polygons[1]))
    np.testing.assert_array_equal(mask[2], is_inside(polygons[2]))
    assert not mask[0].any()


def test_areas_that_share_an_edge_share_no_voxel():
    """Edges through voxel centres: each centre belongs to one side."""
    left = np.array([[2, 3], [2, 8], [9, 8], [9, 3]], float)
    right, below = left + np.array([0, 5]), left + np.array([7, 0])
    masks = [to_mask(fill_contours([area], [0], SHAPE)) for area in (left, right, below)]
    assert [int(mask.sum()) for mask in masks] == [35, 35, 35]
    assert np.sum(masks, axis=0).max() == 1


def test_contours_in_planes_outside_of_the_grid_are_left_out():
    square = np.array([[2, 3], [2, 8], [9, 8], [9, 3]], float)
    assert fill_contours([square, square], [-1, 3], SHAPE).count == 0


@pytest.mark.parametrize("piece", [7, 1 << 20])
@pytest.mark.parametrize("density", [0.02, 0.5, 0.98])
def test_a_mask_survives_as_runs(monkeypatch, piece, density):
    monkeypatch.setattr(voxel_runs, "MAX_VOXELS_PER_PIECE", piece)
    mask = np.random.default_rng(3).random(SHAPE) < density
    indices = np.flatnonzero(mask)
    runs = make_runs(np.random.default_rng(4).permutation(indices), SHAPE)
    np.testing.assert_array_equal(to_mask(runs), mask)
    np.testing.assert_array_equal(np.concatenate([*runs.iterate_indices()]), indices)
    assert runs.count == mask.sum()
    low, high = runs.bounds
    where = np.argwhere(mask)
    np.testing.assert_array_equal((low, high), (where.min(axis=0), where.max(axis=0) + 1))


@pytest.mark.parametrize("seed", range(20))
def test_overlaps_are_those_of_the_masks(seed):
    rng = np.random.default_rng(seed)
    masks = [rng.random(SHAPE) < density for density in (0.005, 0.03)]
    one, other = (make_runs(np.flatnonzero(mask), SHAPE) for mask in masks)
    expected = bool((masks[0] & masks[1]).any())
    assert one.overlaps(other) == other.overlaps(one) == expected


def test_nothing_overlaps_nothing():
    empty = make_runs(np.empty(0, np.int64), SHAPE)
    assert not empty.overlaps(make_runs(np.arange(9), SHAPE))
    assert empty.count == 0
    assert not to_mask(empty).any()
