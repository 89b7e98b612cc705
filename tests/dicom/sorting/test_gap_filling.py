"""Missing slices become empty planes of one grid."""

import numpy as np
import pytest

from helpers.builders import (
    ORIENTATIONS,
    SLICE_SPACING,
    make_series,
    stored_slice,
    write_series,
)
from helpers.slice_positions import UP, find_max_plane_error, make_positions, voxels_by_height
from napari_medread.api import read
from napari_medread.dicom.sorting.slice_spacing import find_slice_grids


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
    positions = make_positions(np.asarray(heights) * 0.625)
    (grid,) = find_slice_grids(positions, UP)
    assert grid.missing_planes == missing
    assert not grid.needs_interpolation
    assert find_max_plane_error(grid, positions) < 0.01
    assert grid.step[2] == pytest.approx(0.625, rel=1e-3)


def test_a_missing_slice_is_filled_and_its_number_noted(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series(slices=[0, 1, 3, 4, 5])))
    assert volume.shape[0] == 6
    # Superior first: the slice at 2 is the fourth from the top.
    assert volume.notes == ("1 missing slice filled with the lowest value: slice 4.",)
    assert (volume.data[3] == stored_slice(0).min()).all()


def test_slices_around_a_gap_keep_their_positions(tmp_path):
    places = [0, 1, 3, 4, 7]
    (volume,) = read(write_series(tmp_path, make_series(slices=places)))
    found = voxels_by_height([volume])
    for n, place in enumerate(places):
        np.testing.assert_array_equal(found[-56 + place * SLICE_SPACING], stored_slice(n))
    assert volume.notes[0].endswith(": slices 2, 3, 6.")


def test_missing_slices_are_filled_with_the_padding_value_in_modality_values(tmp_path):
    datasets = make_series(
        slices=[0, 1, 3], PixelPaddingValue=3, RescaleSlope="2", RescaleIntercept="-1024"
    )
    (volume,) = read(write_series(tmp_path, datasets))
    assert (volume.data[1] == 3 * 2 - 1024).all()
    assert "padding value: slice 2" in volume.notes[0]


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
    assert "1 missing slice filled with the lowest value: slice 2." in volume.notes


@pytest.mark.parametrize("plane", ORIENTATIONS)
def test_a_gap_is_filled_along_the_slice_axis_of_every_plane(tmp_path, plane):
    (volume,) = read(write_series(tmp_path, make_series(ORIENTATIONS[plane], slices=[0, 1, 3, 4])))
    axis = volume.geometry.slice_axis
    number = int(volume.notes[0].split()[-1].rstrip("."))
    assert (np.take(volume.data, number - 1, axis) == 1).all()
    assert volume.shape[axis] == 5
