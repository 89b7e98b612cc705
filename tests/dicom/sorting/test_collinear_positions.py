"""Stacks side by side are split into straight lines."""

import time

import numpy as np
import pytest

from helpers.builders import make_series, write_series
from helpers.slice_positions import UP
from napari_medread.api import read
from napari_medread.dicom.sorting.collinear_positions import split_into_straight_lines


def line(count, start, drift=0.0, spacing=5.0):
    """Return positions of an axial stack that drifts along y by ``drift`` mm per mm."""
    steps = np.arange(count)[:, None] * spacing
    return np.array(start) + steps * np.array([0, drift, 1.0])


TILT = np.tan(np.radians(17))
SIDES = {
    "one": [line(20, (0, 0, 0))],
    "one tilted": [line(20, (0, 0, 0), TILT)],
    "side by side": [line(20, (0, 0, 0)), line(20, (90, 0, 0))],
    "side by side and tilted": [line(20, (0, 0, 0), TILT), line(20, (90, 0, 0), TILT)],
    "three": [line(6, (0, 0, 0)), line(6, (90, 0, 0)), line(6, (0, 90, 0))],
    "in planes between": [line(20, (0, 0, 0)), line(20, (90, 0, 2))],
    "one after the other": [line(20, (0, 0, 0)), line(20, (30, 0, 100))],
    "of unequal length": [line(20, (0, 0, 0)), line(7, (90, 0, 15))],
    "single images": [line(1, (0, 0, 0)), line(1, (90, 0, 0))],
    "many single images": [line(1, (30 * n, 0, 0)) for n in range(16)],
    "very many single images": [line(1, (30 * n, 0, 0)) for n in range(90)],
}


@pytest.mark.parametrize("stacks", SIDES.values(), ids=SIDES)
def test_slices_that_do_not_lie_on_one_line_are_several_stacks(stacks):
    positions = np.concatenate(stacks)
    owner = np.repeat(np.arange(len(stacks)), [len(s) for s in stacks])
    order = np.random.default_rng(3).permutation(len(positions))
    found = split_into_straight_lines(positions[order], UP, max_distance=3.0, same_plane_gap=0.01)
    found_owners = sorted(sorted(set(owner[order][members].tolist())) for members in found)
    assert found_owners == [[n] for n in range(len(stacks))]


def test_a_deviation_within_a_pixel_does_not_split_a_line():
    positions = line(50, (0, 0, 0))
    positions[:, :2] += np.random.default_rng(0).uniform(-0.5, 0.5, (50, 2))
    assert len(split_into_straight_lines(positions, UP, max_distance=1.5, same_plane_gap=0.01)) == 1


def test_thousands_of_positions_are_split_in_less_than_a_second():
    positions = np.concatenate([line(2500, (0, 0, 0), TILT), line(2500, (90, 0, 0), TILT)])
    start = time.perf_counter()
    split_into_straight_lines(positions, UP, max_distance=1.0, same_plane_gap=0.01)
    assert time.perf_counter() - start < 1


def test_stacks_side_by_side_in_one_series_are_two_exact_volumes(tmp_path):
    def aside(_, ds):
        x, y, z = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x + 200, y, z]

    datasets = [*make_series(), *make_series(change=aside)]
    volumes = read(write_series(tmp_path, datasets))
    assert sorted(v.patient_affine[0, 3] for v in volumes) == [-12, 188]
    assert [v.shape for v in volumes] == [(4, 5, 7)] * 2
