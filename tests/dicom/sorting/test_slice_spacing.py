"""Slice positions to regular grids."""

import itertools
import time

import numpy as np
import pytest

from helpers.builders import (
    COLUMN_SPACING,
    ORIENTATIONS,
    ROW_SPACING,
    SLICE_SPACING,
    make_series,
    stored_slice,
    write_series,
)
from napari_medread.api import read
from napari_medread.dicom.sorting.slice_spacing import find_slice_grids

UP = np.array([0.0, 0, 1])


def at(heights, drift=0.0):
    """Return positions at some heights that drift along y by so much per mm."""
    heights = np.asarray(heights, dtype=float)
    return np.column_stack([np.full_like(heights, 7.0), 3.0 + drift * heights, heights])


def grids_of(heights):
    return find_slice_grids(at(heights), UP)


def placed(grid, positions):
    """Return how far the planes of a grid are from their slices at most."""
    held = [(n, s) for n, s in enumerate(grid.slices) if s is not None]
    start = positions[held[0][1]] - held[0][0] * grid.step
    return max(np.abs(start + n * grid.step - positions[s]).max() for n, s in held)


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
def test_even_positions_are_left_alone(heights):
    (grid,) = grids_of(heights)
    assert grid.slices == tuple(range(len(heights)))
    assert not grid.needs_interpolation
    assert grid.step[2] == pytest.approx((heights[-1] - heights[0]) / (len(heights) - 1))


@pytest.mark.parametrize(
    ("heights", "missing"),
    [
        ([0, 1, 2, 4, 5], (3,)),
        ([0, 2, 3, 4, 5], (1,)),
        ([0, 1, 2, 3, 5], (4,)),
        ([0, 1, 2, 5, 6, 7], (3, 4)),
        ([0, 1, 3, 4, 5, 7, 8, 9, 12, 13], (2, 6, 10, 11)),
        ([0, 1, 3], (2,)),
        ([0, 1, 3, 4, 7], (2, 5, 6)),
        ([0, 4, 5, 7, 9, 10], (1, 2, 3, 6, 8)),
        (np.round(np.delete(np.arange(60), [20, 40]) * 0.625, 2) / 0.625, (20, 40)),
        (np.delete(np.arange(99), range(40, 80)), tuple(range(40, 80))),
    ],
    ids=[
        "one",
        "second",
        "last but one",
        "adjacent",
        "several",
        "of three",
        "half",
        "more gaps than steps",
        "two decimals",
        "many",
    ],
)
def test_gaps_at_whole_multiples_are_missing_slices(heights, missing):
    positions = at(np.asarray(heights) * 0.625)
    (grid,) = find_slice_grids(positions, UP)
    assert grid.missing_planes == missing
    assert not grid.needs_interpolation
    assert placed(grid, positions) < 0.01
    assert grid.step[2] == pytest.approx(0.625, rel=1e-3)


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
def test_spacing_that_changes_makes_a_grid_for_every_run(heights, lengths):
    positions = at(heights)
    grids = find_slice_grids(positions, UP)
    assert [len(grid.slices) for grid in grids] == lengths
    assert max(placed(grid, positions) for grid in grids) < 1e-9


@pytest.mark.parametrize(("heights", "_"), RUNS.values(), ids=RUNS)
def test_every_slice_is_in_exactly_one_run(heights, _):
    found = [s for grid in grids_of(heights) for s in grid.slices if s is not None]
    assert found == list(range(len(heights)))


@pytest.mark.parametrize("heights", [[*range(10), 1000], [-1000, *range(10)]])
def test_a_lone_far_slice_is_as_thick_as_the_others(heights):
    (lone,) = [grid for grid in grids_of(heights) if len(grid.slices) == 1]
    np.testing.assert_allclose(lone.step, [0, 0, 1])


IRREGULAR = [0, 1, 2.5, 3.1, 4.9, 6.3, 7.2, 8.9, 10]


def test_spacing_that_is_irregular_throughout_is_resampled_to_the_median():
    (grid,) = grids_of(IRREGULAR)
    median = np.median(np.diff(IRREGULAR))
    assert grid.needs_interpolation
    np.testing.assert_allclose(grid.step, [0, 0, median])
    np.testing.assert_allclose(np.array(grid.interpolated_from) * median, IRREGULAR)
    assert grid.interpolated_planes == int(10 / median) + 1


def test_irregular_parts_far_apart_are_not_interpolated_between():
    grids = grids_of([*IRREGULAR, *(np.array(IRREGULAR) + 5000)])
    assert [grid.needs_interpolation for grid in grids] == [True, True]
    assert [min(grid.slices) for grid in grids] == [0, len(IRREGULAR)]


def test_slices_that_wobble_in_their_planes_are_put_on_a_line():
    wobble = np.random.default_rng(4).uniform(-0.3, 0.3, (40, 2))
    positions = at(np.arange(40) * 2.0)
    positions[:, :2] += wobble
    (grid,) = find_slice_grids(positions, UP)
    assert grid.slices == tuple(range(40))
    assert not grid.needs_interpolation
    assert 0.3 < grid.line_deviation < 1
    np.testing.assert_allclose(grid.step, [0, 0, 2], atol=0.02)


def test_a_shift_by_less_than_a_pixel_is_told(tmp_path):
    def shift(n, ds):
        x, y, z = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x + 0.5 * (n >= 4), y, z]

    (volume,) = read(write_series(tmp_path, make_series(slices=range(8), change=shift)))
    assert volume.shape[0] == 8
    assert any("deviate from a straight line" in note for note in volume.notes)


@pytest.mark.parametrize("drift", [np.tan(np.radians(20)), -np.tan(np.radians(20)), 0.1])
def test_a_drift_stays_in_the_step(drift):
    (grid,) = find_slice_grids(at(np.arange(30) * 5.0, drift), UP)
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
def test_thousands_of_slices_take_no_second(heights):
    start = time.perf_counter()
    grids_of(heights)
    assert time.perf_counter() - start < 1


# --- From files ----------------------------------------------------------------------------


def voxels_by_height(volumes):
    """Return every axial slice's values by the height at which its volume has it."""
    found = {}
    for volume in volumes:
        heights = volume.geometry.to_patient([[n, 0, 0] for n in range(volume.shape[0])])[:, 2]
        for height, plane in zip(heights, np.asarray(volume.data), strict=True):
            found[round(float(height), 4)] = plane
    return found


def test_a_missing_slice_is_filled_and_its_index_told(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series(slices=[0, 1, 3, 4, 5])))
    assert volume.shape[0] == 6
    # Superior first: the slice at 2 is the fourth from the top.
    assert volume.notes == ("1 missing slice filled with the lowest value, at index 3.",)
    assert (volume.data[3] == stored_slice(0).min()).all()


def test_slices_about_a_gap_keep_their_places(tmp_path):
    places = [0, 1, 3, 4, 7]
    (volume,) = read(write_series(tmp_path, make_series(slices=places)))
    found = voxels_by_height([volume])
    for n, place in enumerate(places):
        np.testing.assert_array_equal(found[-56 + place * SLICE_SPACING], stored_slice(n))
    assert volume.notes[0].endswith("at index 1, 2, 5.")


def test_missing_slices_are_filled_with_the_padding_value_in_modality_values(tmp_path):
    datasets = make_series(
        slices=[0, 1, 3], PixelPaddingValue=3, RescaleSlope="2", RescaleIntercept="-1024"
    )
    (volume,) = read(write_series(tmp_path, datasets))
    assert (volume.data[1] == 3 * 2 - 1024).all()
    assert "padding value, at index 1" in volume.notes[0]


def test_a_padding_value_beyond_the_type_of_the_voxels_does_not_wrap(tmp_path):
    datasets = make_series(
        slices=[0, 1, 3], PixelPaddingValue=65535, RescaleSlope="1", RescaleIntercept="-1024"
    )
    (volume,) = read(write_series(tmp_path, datasets))
    assert (volume.data[1] == 65535 - 1024).all()
    np.testing.assert_array_equal(volume.data[0], stored_slice(2).astype(int) - 1024)


def test_slices_missing_from_every_time_are_filled_in_each(tmp_path):
    datasets = []
    for t in range(3):
        for n, ds in enumerate(make_series(slices=[0, 1, 3], TemporalPositionIdentifier=t + 1)):
            ds.PixelData = stored_slice(3 * t + n).tobytes()
            datasets.append(ds)
    (volume,) = read(write_series(tmp_path, datasets))
    assert volume.shape[:2] == (3, 4)
    assert (volume.data[:, 1] == 1).all()
    np.testing.assert_array_equal(volume.data[2, 0], stored_slice(8))
    assert "1 missing slice filled with the lowest value, at index 1." in volume.notes


def test_a_head_ct_of_two_spacings_is_two_exact_volumes(tmp_path):
    places = [0, 0.5, 1, 1.5, 2, 3, 4, 5, 6]
    volumes = read(write_series(tmp_path, make_series(slices=places)))
    found = voxels_by_height(volumes)
    assert sum(v.shape[0] for v in volumes) == len(found) == len(places)
    for n, place in enumerate(places):
        np.testing.assert_array_equal(found[-56 + place * SLICE_SPACING], stored_slice(n))


def test_volumes_of_two_spacings_say_so_in_name_and_notes(tmp_path):
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


def test_interpolation_is_told_with_the_spacing(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series(slices=IRREGULAR)))
    spacing = float(np.median(np.diff(IRREGULAR))) * SLICE_SPACING
    assert volume.geometry.spacing[0] == pytest.approx(spacing)
    assert volume.notes == (
        "The slices are unevenly spaced: interpolated linearly to their median spacing "
        f"of {spacing:.4g} mm.",
    )


def test_positions_of_two_decimals_are_left_alone(tmp_path):
    def rounded(_, ds):
        ds.ImagePositionPatient = [round(x, 2) for x in ds.ImagePositionPatient]

    places = np.arange(30) * 0.0667  # a third of a mm
    (volume,) = read(write_series(tmp_path, make_series(slices=places, change=rounded)))
    assert (volume.shape[0], volume.notes) == (30, ())


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

    def test_it_is_told_in_degrees(self, volume, degrees):
        (note,) = volume.notes
        assert note.startswith("The gantry was tilted by 20.0°: drawn upright")

    def test_it_is_drawn_upright_and_spaced_along_the_normal(self, volume, degrees):
        placed = volume.geometry.world_transform()
        assert placed.scale == pytest.approx((SLICE_SPACING, ROW_SPACING, COLUMN_SPACING))
        assert placed.flips == (1, 1, 1)


def test_a_stack_that_does_not_lean_has_no_note_on_tilt(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series(GantryDetectorTilt="-18")))
    assert volume.notes == ()


@pytest.mark.parametrize("plane", ORIENTATIONS)
def test_a_gap_is_filled_along_the_slice_axis_of_every_plane(tmp_path, plane):
    (volume,) = read(write_series(tmp_path, make_series(ORIENTATIONS[plane], slices=[0, 1, 3, 4])))
    axis = volume.geometry.slice_axis
    index = int(volume.notes[0].split()[-1].rstrip("."))
    assert (np.take(volume.data, index, axis) == 1).all()
    assert volume.shape[axis] == 5


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
