"""The limits at which the object in an image is seen."""

import numpy as np
import pytest

from helpers.scanned_head import (
    FLUID,
    GREY_MATTER,
    SKIN,
    WHITE_MATTER,
    add_noise,
    make_head,
)
from napari_medread.core.middle_slices import sample_middle_slices
from napari_medread.core.object_limits import (
    find_object_limits,
    find_uptake_limits,
    hides_object,
    shows_nothing,
)

CLEAN = make_head()
HEAD = add_noise(CLEAN)
SIGN = np.sign(np.indices(CLEAN.shape)[2] - CLEAN.shape[2] / 2 + 0.5)


def with_values(share, value, data=HEAD):
    """Return an image where a share of the voxels, at random, has another value."""
    changed = data.copy()
    changed[np.random.default_rng(1).random(data.shape) < share] = value
    return changed


def find_limits(data):
    return find_object_limits(sample_middle_slices(data)).whole


def find_grey_level(value, limits):
    """Return how bright a value is drawn: 0 is black, 1 is white."""
    return float(np.clip((value - limits[0]) / (limits[1] - limits[0]), 0, 1))


MAGNITUDES = {
    "magnitudes": (HEAD, 1, 0),
    "whole numbers": (HEAD.astype(np.int16), 1, 0),
    "noisy": (add_noise(CLEAN, 80), 1, 0),
    "a background above zero": (HEAD + 5000, 1, 5000),
    "a background below zero": (HEAD - 5000, 1, -5000),
    "masked with zero": (np.where(CLEAN > 0, HEAD, 0), 1, 0),
    "masked with NaN": (np.where(CLEAN > 0, HEAD, np.nan), 1, 0),
    "padded with the lowest number": (
        np.where(CLEAN > 0, HEAD, -32768).astype(np.int16), 1, 0
    ),
    "padded with the lowest fraction": (
        np.where(CLEAN > 0, HEAD, np.finfo(np.float32).min).astype(np.float32), 1, 0
    ),
    "infinite values": (with_values(0.01, np.inf), 1, 0),
    "tiny values": (HEAD * 1e-9, 1e-9, 0),
    "large values": (HEAD * 1e30, 1e30, 0),
    "one spike": (with_values(1e-4, 65535), 1, 0),
    "one slice": (HEAD[5:6], 1, 0),
    "two dimensions": (HEAD[5], 1, 0),
    "empty slices around": (np.pad(HEAD, ((30, 20), (0, 0), (0, 0))), 1, 0),
    "the first times brighter": (HEAD * np.array([9, 3, 1, 1, 1, 1])[:, None, None, None], 1, 0),
    "the first slices of noise": (
        np.concatenate([add_noise(np.zeros_like(CLEAN)), HEAD, add_noise(np.zeros_like(CLEAN))]),
        1, 0,
    ),
}  # fmt: skip
"""Images of the head, with the factor and the offset of its values."""


@pytest.mark.parametrize("name", MAGNITUDES)
def test_tissues_are_told_apart_and_little_is_white(name):
    data, scale, offset = MAGNITUDES[name]
    limits = find_limits(data)
    fluid, grey, white, skin = (
        find_grey_level(value * scale + offset, limits)
        for value in (FLUID, GREY_MATTER, WHITE_MATTER, SKIN)
    )
    assert fluid < grey - 0.1
    assert grey < white - 0.1
    assert white < 0.97
    assert skin > 0.8
    assert find_grey_level(offset, limits) < 0.1


@pytest.mark.parametrize(
    ("data", "largest"),
    [
        (CLEAN * SIGN, SKIN),
        (add_noise(CLEAN) * SIGN, SKIN),
        (np.random.default_rng(2).normal(0, 1, (6, 50, 50)), 2.4),
        (np.random.default_rng(2).uniform(-4096, 4095, (6, 50, 50)), 4096),
        (np.where(CLEAN > 0, CLEAN * SIGN, 0) * 1e-6, SKIN * 1e-6),
    ],
    ids=["field", "noisy field", "normal", "phase", "masked, tiny"],
)
def test_maps_centred_on_zero_have_zero_in_middle_grey(data, largest):
    low, high = find_limits(data)
    assert low == -high
    assert high == pytest.approx(largest, rel=0.15)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.03])
@pytest.mark.parametrize("times", [3, 10, 100])
def test_hot_spots_do_not_sink_the_tissue(share, times):
    limits = find_limits(with_values(share, SKIN * times))
    assert find_grey_level(WHITE_MATTER, limits) > 0.08


def test_a_small_object_in_noise_is_not_clipped():
    data = add_noise(np.zeros((8, 100, 100)), 10)
    data[:, 40:46, 40:46] += np.linspace(1000, 2000, 36).reshape(6, 6)
    low, high = find_limits(data)
    assert low < 50
    assert 1900 < high < 2200


def test_few_different_values_are_all_shown():
    labels = np.zeros((3, 300, 300), np.int16)
    labels[0, :40, :40], labels[1, 50:90, 50:90], labels[2, 9:40, 9:40] = 2, 41, 1035
    assert find_limits(labels) == (0, 1035)
    assert find_limits((labels > 0).astype(np.uint8)) == (0, 1)


@pytest.mark.parametrize(
    "values",
    [[], [np.nan], [np.inf, np.nan], [0, 0], [7.0], [-1e-9, -1e-9], [3, 4], [0, 1e308],
     np.geomspace(1e-300, 1e300, 99), -np.geomspace(1e-300, 1e300, 99), np.arange(99) * 1.5e306,
     np.sin(np.arange(99)) * 1.5e308, 1e9 + np.arange(99), np.arange(99) * 1e-310],
)  # fmt: skip
def test_any_values_have_limits_that_can_be_drawn(values):
    for limits in find_object_limits(np.array(values)):
        assert np.isfinite(limits).all()
        # The GPU has single precision.
        low, high = np.clip(limits, -3e38, 3e38).astype(np.float32)
        assert low < high or np.abs(limits).max() > 3e38
    hides_object(np.array(values), (0, 1), max_white_share=0.5)  # warns of nothing


def test_saturated_values_are_white():
    low, high = find_limits(np.clip(HEAD * 4, 0, 4095).astype(np.int16))
    assert low < 100
    assert 4095 <= high < 4200


def test_dark_and_bright_structures_have_windows_of_their_own():
    found = find_object_limits(sample_middle_slices(HEAD))
    assert found.dark[0] == found.whole[0]
    assert found.dark[1] < SKIN - 100
    assert find_grey_level(GREY_MATTER, found.dark) > find_grey_level(GREY_MATTER, found.whole)
    assert found.bright[0] > GREY_MATTER
    assert found.bright[1] >= found.whole[1]


def test_the_limits_of_a_body_follow_its_mean_uptake():
    random = np.random.default_rng(3)
    body = np.where(
        CLEAN > 0, random.gamma(20, 0.05, CLEAN.shape), random.exponential(0.005, CLEAN.shape)
    )
    body[:, 40:46, 40:46] = 60  # the bladder
    low, high = find_uptake_limits(body * 5000)
    assert low == 0
    assert high == pytest.approx(7 * 5000, rel=0.3)


def test_the_limits_of_a_brain_end_at_its_highest_uptake():
    low, high = find_uptake_limits(np.where(CLEAN > 0, CLEAN, 5.0))
    assert low == 0
    assert high == pytest.approx(SKIN, rel=0.05)


@pytest.mark.parametrize(
    ("limits", "is_hidden"),
    [
        ((0, 1600), False),
        ((0, 1000), False),
        ((0, 327), True),
        ((0, 500), True),
        ((0, 40_000), True),
        ((2000, 3000), True),
        ((-500, -100), True),
    ],
)
def test_a_window_that_hides_the_object_is_found_out(limits, is_hidden):
    sample = sample_middle_slices(HEAD)
    assert hides_object(sample, limits, max_white_share=0.35) == is_hidden
    assert not hides_object(np.full(100, 7.0), limits, max_white_share=0.35)


def test_a_window_beside_the_values_shows_nothing():
    sample = sample_middle_slices(HEAD)
    assert shows_nothing(sample, (5000, 6000))
    assert shows_nothing(sample, (-20, -10))
    assert not shows_nothing(sample, (0, 100))
