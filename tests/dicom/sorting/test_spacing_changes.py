"""Slice spacing that changes makes one volume for every run."""

import numpy as np
import pytest

from helpers.builders import SLICE_SPACING, make_series, stored_slice, write_series
from helpers.slice_positions import (
    UP,
    find_grids,
    find_max_plane_error,
    make_positions,
    voxels_by_height,
)
from napari_medread.api import read
from napari_medread.dicom.sorting.slice_spacing import find_slice_grids

FINE, COARSE = np.arange(12) * 2.5, 27.5 + 5.0 * np.arange(1, 15)
RUNS = {
    "fine then coarse": ([*FINE, *COARSE], [12, 14]),
    "coarse then fine": (sorted(-h for h in [*FINE, *COARSE]), [15, 11]),
    "three": ([*FINE, *COARSE, *(97.5 + 1.0 * np.arange(1, 9))], [12, 14, 8]),
    "a break of no whole multiple": ([0, 4, 8, 12, 25.5, 29.5, 33.5, 37.5], [4, 4]),
    "a far slice after": ([*range(10), 1000], [10, 1]),
    "runs with gaps": ([*range(8), *range(9, 12), *(11 + 2.5 * np.arange(1, 9))], [12, 8]),
    "a far slice of few": ([0, 1, 2, 1000], [3, 1]),
    "a far slice before": ([-1000, *range(10)], [1, 10]),
}


@pytest.mark.parametrize(("heights", "lengths"), RUNS.values(), ids=RUNS)
def test_changing_spacing_makes_a_grid_for_every_run(heights, lengths):
    positions = make_positions(heights)
    grids = find_slice_grids(positions, UP)
    assert [len(grid.slices) for grid in grids] == lengths
    assert max(find_max_plane_error(grid, positions) for grid in grids) < 1e-9


@pytest.mark.parametrize(("heights", "_"), RUNS.values(), ids=RUNS)
def test_every_slice_is_in_exactly_one_run(heights, _):
    found = [s for grid in find_grids(heights) for s in grid.slices if s is not None]
    assert found == list(range(len(heights)))


@pytest.mark.parametrize("heights", [[*range(10), 1000], [-1000, *range(10)]])
def test_a_single_distant_slice_is_as_thick_as_the_others(heights):
    (lone,) = [grid for grid in find_grids(heights) if len(grid.slices) == 1]
    np.testing.assert_allclose(lone.step, [0, 0, 1])


def test_a_head_ct_of_two_spacings_is_two_exact_volumes(tmp_path):
    places = [0, 0.5, 1, 1.5, 2, 3, 4, 5, 6]
    volumes = read(write_series(tmp_path, make_series(slices=places)))
    found = voxels_by_height(volumes)
    assert sum(v.shape[0] for v in volumes) == len(found) == len(places)
    for n, place in enumerate(places):
        np.testing.assert_array_equal(found[-56 + place * SLICE_SPACING], stored_slice(n))


def test_volumes_of_two_spacings_have_them_in_name_and_notes(tmp_path):
    volumes = read(write_series(tmp_path, make_series(slices=[0, 0.5, 1, 1.5, 2, 3, 4, 5, 6])))
    assert {(v.name, v.notes) for v in volumes} == {
        (
            f"4 Test series ({spacing} mm)",
            (
                "The slice spacing changes within the series: 2 volumes, "
                f"this one of {count} slices every {spacing} mm.",
            ),
        )
        for spacing, count in (("5", 5), ("2.5", 4))
    }
