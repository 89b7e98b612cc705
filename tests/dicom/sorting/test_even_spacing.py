"""Evenly spaced slices, with positions that are rounded or noisy."""

import numpy as np
import pytest

from helpers.builders import make_series, stored_slice, write_series
from helpers.slice_positions import find_grids
from napari_medread.api import read

EVEN = {
    "two": [0, 4],
    "descending numbers": [-12, -8, -4, 0],
    "float noise": np.arange(40) * 0.7 + 1e-9 * np.sin(np.arange(40)),
    "jitter of 1e-5": np.arange(300) * 2.5 + 1e-5 * np.random.default_rng(0).normal(size=300),
    "two decimals": np.round(np.arange(400) * 0.625, 2),
    "two decimals of thirds": np.round(np.arange(400) / 3, 2),
    "within a percent": [0, 5.04, 10, 15.03, 20],
    "microscopy": np.arange(50) * 0.004,
}


@pytest.mark.parametrize("heights", EVEN.values(), ids=EVEN)
def test_even_positions_are_one_grid(heights):
    (grid,) = find_grids(heights)
    assert grid.slices == tuple(range(len(heights)))
    assert not grid.needs_interpolation
    assert grid.step[2] == pytest.approx((heights[-1] - heights[0]) / (len(heights) - 1))


def test_positions_of_two_decimals_are_evenly_spaced(tmp_path):
    def rounded(_, ds):
        ds.ImagePositionPatient = [round(x, 2) for x in ds.ImagePositionPatient]

    places = np.arange(30) * 0.0667  # a third of a mm
    (volume,) = read(write_series(tmp_path, make_series(slices=places, change=rounded)))
    assert (volume.shape[0], volume.notes) == (30, ())


@pytest.mark.parametrize(("spacing", "decimals"), [(1.25, 1), (0.625, 1), (3.3333, 1), (7.5, 0)])
def test_positions_rounded_to_few_decimals_are_not_interpolated_between(
    tmp_path, spacing, decimals
):
    heights = np.arange(40) * spacing

    def rounded(n, ds):
        ds.ImagePositionPatient = [f"{x:.{decimals}f}" for x in (-12, 34, heights[n])]

    (volume,) = read(write_series(tmp_path, make_series(slices=range(40), change=rounded)))
    np.testing.assert_array_equal(volume.data, [stored_slice(n) for n in reversed(range(40))])
    found = volume.geometry.to_patient([[39 - n, 0, 0] for n in range(40)])
    np.testing.assert_allclose(found[:, 2], heights, atol=0.2 * 10.0**-decimals)
    assert volume.geometry.spacing[0] == pytest.approx(spacing, rel=1e-2)
    (note,) = volume.notes
    assert note.startswith("The positions are rounded")


def test_slices_off_by_more_than_rounding_are_interpolated(tmp_path):
    heights = np.arange(40) * 2.0 + np.where(np.arange(40) % 2, 0.1, -0.1)

    def uneven(n, ds):
        ds.ImagePositionPatient = [-12, 34, f"{heights[n]:.1f}"]

    (volume,) = read(write_series(tmp_path, make_series(slices=range(40), change=uneven)))
    assert any("interpolated" in note for note in volume.notes)
