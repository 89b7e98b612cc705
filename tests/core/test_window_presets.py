"""Window presets, and the arithmetic of width and center."""

import numpy as np
import pytest

from napari_medread.core import window_presets
from napari_medread.core.contrast_limits import limits_from_window


@pytest.mark.parametrize(
    ("name", "width", "center"),
    [
        # Those of 3D Slicer.
        ("Abdomen", 350, 40),
        ("Lung", 1400, -500),
        ("Bone", 1000, 400),
        ("Brain", 100, 50),
        # Radiopaedia, "Windowing (CT)".
        ("Liver", 150, 30),
        ("Mediastinum", 350, 50),
        ("Stroke", 40, 40),
        ("Temporal bone", 2800, 600),
        # OHIF, Orthanc.
        ("Soft tissue", 400, 40),
        ("Vessels (CTA)", 600, 300),
    ],
)
def test_ct_presets(name, width, center):
    (found,) = (each for each in window_presets.find_window_presets("CT", "HU") if each[2] == name)
    assert found[:2] == (center, width)


def test_the_subdural_window_lies_in_the_published_ranges():
    (found,) = (each for each in window_presets.CT_WINDOWS if each[2] == "Subdural")
    assert 50 <= found[0] <= 100
    assert 130 <= found[1] <= 300


def test_presets_by_modality_and_unit():
    assert (
        window_presets.find_window_presets("PT", "HU") == window_presets.CT_WINDOWS
    )  # the unit tells, whatever scanned it
    assert window_presets.find_window_presets("CT", "") == ()  # a localizer, say
    assert window_presets.find_window_presets("MR", "") == ()
    assert window_presets.find_window_presets("PT", "Bq/ml") == ()
    assert window_presets.find_window_presets("", "") == window_presets.CT_WINDOWS
    assert window_presets.is_unknown_scale("", "")
    assert not window_presets.is_unknown_scale("CT", "HU")
    tops = [
        limits_from_window(c, w, "LINEAR_EXACT")
        for c, w, _ in window_presets.find_window_presets("PT", "g/ml")
    ]
    assert tops == [(0, top) for top in (5, 7, 10, 15, 20)]


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT"])
@pytest.mark.parametrize("window", [(40.0, 400.0), (-500.0, 1400.0), (40.5, 81.0), (128.25, 3.0)])
def test_limits_give_back_their_window(function, window):
    limits = limits_from_window(*window, function)
    assert window_presets.window_from_limits(limits, function) == pytest.approx(window, rel=1e-12)


def test_the_function_is_that_of_the_file():
    own = [(40, 400, "SOFT")]
    assert window_presets.find_voi_lut_function(own, (-160, 239), is_integer=False) == "LINEAR"
    assert window_presets.find_voi_lut_function(own, (-160, 240), is_integer=True) == "LINEAR_EXACT"
    # Else LINEAR, where it is defined.
    assert window_presets.find_voi_lut_function(own, (0, 1), is_integer=True) == "LINEAR"
    assert window_presets.find_voi_lut_function([], None, is_integer=False) == "LINEAR_EXACT"


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT"])
@pytest.mark.parametrize("is_integer", [True, False])
def test_the_smallest_width_can_be_drawn(function, is_integer):
    least = window_presets.find_min_width(function, is_integer=is_integer)
    low, high = limits_from_window(0, least, function)
    assert window_presets.window_from_limits((low, high), function) == pytest.approx((0, least))


def drag(center, width, right, up, *, function="LINEAR", is_integer=True):
    return window_presets.drag_window(
        center, width, right, up, function=function, is_integer=is_integer
    )


def test_a_drag_to_the_right_is_wider_and_up_lowers_the_center():
    assert drag(40, 400, 150, 0) == (40, 800)
    assert drag(40, 400, -150, 0) == (40, 200)
    assert drag(40, 400, 0, 30) == (0, 400)
    assert drag(40, 400, 0, -30) == (80, 400)
    assert drag(40, 400, 0, 0) == (40, 400)
    assert drag(40.5, 401.25, 0, 0) == (40.5, 401.25)  # nothing is rounded without need


def test_a_narrow_window_is_dragged_finely():
    moves = [abs(drag(0, width, 0, 10, is_integer=False)[0]) for width in (0.01, 1.0, 4000.0)]
    np.testing.assert_allclose(moves, [0.01 / 30, 1 / 30, 4000 / 30], rtol=2e-2)


def test_a_window_of_tiny_values_is_dragged_like_others():
    center, width = drag(1e-9, 2e-9, 150, -30, function="LINEAR_EXACT", is_integer=False)
    assert (center, width) == pytest.approx((1.2e-9, 4e-9), rel=1e-3)


def test_a_drag_ends_at_the_smallest_width():
    assert drag(40, 10, -5000, 0) == (40, 2)
    center, width = drag(0.5, 1.0, -5000, 0, function="LINEAR_EXACT", is_integer=False)
    low, high = limits_from_window(center, width, "LINEAR_EXACT")
    assert low < high


@pytest.mark.parametrize(
    ("center", "width", "is_integer", "decimals", "step"),
    [
        (40, 400, True, 0, 1),
        (40.5, 401, True, 2, 1),
        (40, 4000, True, 0, 10),
        (0.5, 1.0, False, 3, 0.01),
        (1000, 20000, False, 2, 100),
        (0.001, 0.002, False, 6, 1e-5),
    ],
)
def test_digits_and_steps_follow_the_width(center, width, is_integer, decimals, step):
    assert window_presets.find_window_decimals(center, width, is_integer=is_integer) == decimals
    assert window_presets.find_window_step(width, is_integer=is_integer) == pytest.approx(step)
