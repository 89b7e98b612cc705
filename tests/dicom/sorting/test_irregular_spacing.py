"""Irregularly spaced slices are interpolated, but not across wide gaps."""

import itertools

import numpy as np
import pytest

from helpers.builders import SLICE_SPACING, make_series, stored_slice, write_series
from helpers.slice_positions import find_grids
from napari_medread.api import read

IRREGULAR = [0, 1, 2.5, 3.1, 4.9, 6.3, 7.2, 8.9, 10]


def test_irregular_spacing_is_interpolated_to_the_median():
    (grid,) = find_grids(IRREGULAR)
    median = np.median(np.diff(IRREGULAR))
    assert grid.needs_interpolation
    np.testing.assert_allclose(grid.step, [0, 0, median])
    np.testing.assert_allclose(np.array(grid.interpolated_from) * median, IRREGULAR)
    assert grid.interpolated_planes == int(10 / median) + 1


def test_wide_gaps_between_irregular_slices_are_not_interpolated():
    grids = find_grids([*IRREGULAR, *(np.array(IRREGULAR) + 5000)])
    assert [grid.needs_interpolation for grid in grids] == [True, True]
    assert [min(grid.slices) for grid in grids] == [0, len(IRREGULAR)]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("intercept", ["0", "0.25"], ids=["whole", "fractions"])
def test_irregular_slices_are_interpolated_linearly_along_the_normal(tmp_path, lazy, intercept):
    datasets = make_series(slices=IRREGULAR, RescaleSlope="1", RescaleIntercept=intercept)
    (volume,) = read(write_series(tmp_path, datasets), lazy=lazy)
    heights = volume.geometry.to_patient([[n, 0, 0] for n in range(volume.shape[0])])[:, 2]
    measured = -56 + np.array(IRREGULAR) * SLICE_SPACING
    values = np.array([stored_slice(n) for n in range(len(IRREGULAR))]) + float(intercept)
    for row, column in itertools.product(range(5), range(7)):
        expected = np.interp(heights, measured, values[:, row, column])
        found = np.asarray(volume.data[:, row, column])
        np.testing.assert_allclose(found, expected, atol=0.5 if intercept == "0" else 1e-3)


def test_the_note_on_interpolation_gives_the_spacing(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series(slices=IRREGULAR)))
    spacing = float(np.median(np.diff(IRREGULAR))) * SLICE_SPACING
    assert volume.geometry.spacing[0] == pytest.approx(spacing)
    assert volume.notes == (
        "The slices are unevenly spaced: interpolated linearly to their median spacing "
        f"of {spacing:.4g} mm.",
    )
