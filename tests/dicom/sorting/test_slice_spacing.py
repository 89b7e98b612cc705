"""Slice positions on a line: deviations, drift, tilt and speed."""

import itertools
import time

import numpy as np
import pytest

from helpers.builders import (
    COLUMN_SPACING,
    ROW_SPACING,
    SLICE_SPACING,
    make_series,
    stored_slice,
    write_series,
)
from helpers.slice_positions import UP, find_grids, make_positions
from napari_medread.api import read
from napari_medread.dicom.sorting.slice_spacing import find_slice_grids


def test_slices_that_deviate_within_their_planes_are_put_on_a_line():
    wobble = np.random.default_rng(4).uniform(-0.3, 0.3, (40, 2))
    positions = make_positions(np.arange(40) * 2.0)
    positions[:, :2] += wobble
    (grid,) = find_slice_grids(positions, UP)
    assert grid.slices == tuple(range(40))
    assert not grid.needs_interpolation
    assert 0.3 < grid.line_deviation < 1
    np.testing.assert_allclose(grid.step, [0, 0, 2], atol=0.02)


def test_a_shift_by_less_than_a_pixel_gets_a_note(tmp_path):
    def shift(n, ds):
        x, y, z = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x + 0.5 * (n >= 4), y, z]

    (volume,) = read(write_series(tmp_path, make_series(slices=range(8), change=shift)))
    assert volume.shape[0] == 8
    assert any("deviate from a straight line" in note for note in volume.notes)


@pytest.mark.parametrize("drift", [np.tan(np.radians(20)), -np.tan(np.radians(20)), 0.1])
def test_a_drift_stays_in_the_step(drift):
    (grid,) = find_slice_grids(make_positions(np.arange(30) * 5.0, drift), UP)
    np.testing.assert_allclose(grid.step, [0, 5 * drift, 5], atol=1e-9)


@pytest.mark.parametrize(
    "heights",
    [
        np.arange(5000) * 0.5,
        np.delete(np.arange(5000) * 0.5, np.arange(100, 4900, 50)),
        np.concatenate([np.arange(2500) * 0.5, 1250 + np.arange(2500) * 0.8]),
        np.cumsum(np.random.default_rng(1).uniform(0.5, 1.5, 5000)),
    ],
    ids=["even", "gaps", "runs", "irregular"],
)
def test_thousands_of_slices_take_less_than_a_second(heights):
    start = time.perf_counter()
    find_grids(heights)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("degrees", [20, -20])
class TestTilt:
    """A tilted gantry: the slices drift along their columns (PS3.3 C.8.2.1.1.1 has its angle)."""

    SLICES = 6

    @pytest.fixture
    def volume(self, tmp_path, degrees):
        def tilt(n, ds):
            x, y, z = ds.ImagePositionPatient
            ds.ImagePositionPatient = [x, y + n * SLICE_SPACING * np.tan(np.radians(degrees)), z]
            ds.GantryDetectorTilt = "3"  # wrong, as it often is

        (found,) = read(write_series(tmp_path, make_series(slices=range(self.SLICES), change=tilt)))
        return found

    def test_the_shear_is_in_the_patient_affine(self, volume, degrees):
        drift = SLICE_SPACING * np.tan(np.radians(degrees))
        for n, row, column in itertools.product(range(self.SLICES), (0, 4), (0, 6)):
            place = [-12 + column * COLUMN_SPACING, 34 + row * ROW_SPACING + n * drift]
            index = [self.SLICES - 1 - n, row, column]
            found = volume.geometry.to_patient(index)
            np.testing.assert_allclose(found, [*place, -56 + n * SLICE_SPACING], atol=1e-6)

    def test_values_are_kept(self, volume, degrees):
        expected = [stored_slice(n) for n in reversed(range(self.SLICES))]
        np.testing.assert_array_equal(volume.data, expected)

    def test_a_note_gives_the_angle_in_degrees(self, volume, degrees):
        (note,) = volume.notes
        assert note.startswith("The gantry was tilted by 20.0°: drawn upright")

    def test_it_is_drawn_upright_and_spaced_along_the_normal(self, volume, degrees):
        placed = volume.geometry.world_transform()
        assert placed.scale == pytest.approx((SLICE_SPACING, ROW_SPACING, COLUMN_SPACING))
        assert placed.flips == (1, 1, 1)


def test_a_stack_without_shear_has_no_note_on_tilt(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series(GantryDetectorTilt="-18")))
    assert volume.notes == ()
