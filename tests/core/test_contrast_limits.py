"""Windows and contrast limits."""

import numpy as np
import pytest

from napari_medread.core import contrast_limits


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        # PS3.3 C.11.2.1.2.1: black up to c - 0.5 - (w - 1) / 2, white above c - 0.5 + (w - 1) / 2
        ("LINEAR", (-160.0, 239.0)),
        # C.11.2.1.3.2: black up to c - w / 2, white above c + w / 2
        ("LINEAR_EXACT", (-160.0, 240.0)),
        ("SIGMOID", (-160.0, 240.0)),
    ],
)
def test_a_window_of_400_at_40(function, expected):
    assert contrast_limits.limits_from_window(40, 400, function) == expected


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (5, 5),
        (7, 3),
        (np.nan, 1),
        (0, np.inf),
        (1e9, 1e9 + 1e-3),
        (0, 0),
        (2e-9, 2e-9),
        (1e-40, 2e-40),
    ],
)
def test_limits_are_always_finite_and_increasing(low, high):
    found = contrast_limits.make_drawable_limits(low, high)
    assert np.isfinite(found).all()
    assert np.float32(found[1]) > np.float32(found[0])


@pytest.mark.parametrize("high", [2e-9, 3e-7, 1e-30])
def test_tiny_values_are_displayed_like_others(high):
    """Diffusion in m²/s and fields in T are that small."""
    assert contrast_limits.make_drawable_limits(0, high) == (0, high)
    assert contrast_limits.make_drawable_limits(-high, high / 2) == (-high, high / 2)


def test_a_linear_window_of_width_one_is_still_drawable():
    low, high = contrast_limits.limits_from_window(100, 1)
    assert high > low


def test_percentiles_ignore_values_that_are_not_finite():
    values = np.concatenate([np.arange(101.0), [np.nan, np.inf, -np.inf]])
    assert contrast_limits.find_percentile_limits(values) == (1.0, 99.0)


def test_a_nearly_empty_image_shows_the_few_other_values():
    values = np.zeros(10_000)
    values[7] = 50
    assert contrast_limits.find_percentile_limits(values) == (0.0, 50.0)


@pytest.mark.parametrize("shape", [(3, 4), (500, 600), (200, 300, 400), (3, 50, 60, 70)])
def test_samples_are_few_and_spread_over_the_volume(shape):
    data = np.broadcast_to(np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)), shape)
    found = contrast_limits.sample_voxels(data)
    assert found.size <= 4 * contrast_limits.SAMPLED_VOXELS
    assert found.min() == 0
    assert found.max() >= 0.9 * (shape[0] - 1)


def test_windows_that_cannot_be_shown_are_left_out():
    found = contrast_limits.make_valid_windows([40, 50, np.nan], [400, 0, 10], ["SOFT", "NONE"])
    assert found == ((40.0, 400.0, "SOFT"),)
