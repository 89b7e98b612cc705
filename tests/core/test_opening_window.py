"""Which window a volume opens with: the file's, or a proposed one."""

import numpy as np
import pytest

from helpers.scanned_head import FLUID, GREY_MATTER, SKIN, WHITE_MATTER, add_noise, make_head
from napari_medread.core.contrast_limits import limits_from_window
from napari_medread.core.opening_window import (
    HIDDEN_BY_FILE_WINDOW,
    HU_ASSUMED,
    choose_array_window,
    choose_opening_window,
)
from napari_medread.core.volume import Volume
from napari_medread.core.window_presets import CT_WINDOWS

HEAD = add_noise(make_head()).astype(np.int16)
HU_BY_TISSUE = {0.0: -1000, FLUID: 10, GREY_MATTER: 40, WHITE_MATTER: 30, SKIN: 900}
HU = np.vectorize(HU_BY_TISSUE.get)(make_head()).astype(np.int16)
HU += np.random.default_rng(4).normal(0, 8, HU.shape).astype(np.int16)
SOFT_TISSUE = (-160.0, 239.0)


def choose(values, **known):
    return choose_opening_window(
        lambda: values, is_integer=np.asarray(values).dtype.kind == "i", **known
    )


def is_object_visible(limits):
    low, high = limits
    return low < 150 < GREY_MATTER < WHITE_MATTER < high


@pytest.mark.parametrize("modality", ["MR", "CT", "DX", "", "OT"])
def test_a_window_that_shows_the_object_is_used(modality):
    found = choose(HEAD, modality=modality, file_limits=(50, 1200))
    assert found.limits == (50, 1200)
    assert found.notes == ()


@pytest.mark.parametrize("limits", [(0, 327), (0, 90_000), (5000, 6000), (-90, -20)])
def test_a_window_that_hides_an_mr_is_not_used(limits):
    found = choose(HEAD, modality="MR", file_limits=limits)
    assert is_object_visible(found.limits)
    assert found.notes == (HIDDEN_BY_FILE_WINDOW,)


def test_windows_that_differ_from_slice_to_slice_are_not_used():
    found = choose(HEAD, modality="MR", file_limits=(50, 1200), is_stated_once=False)
    assert is_object_visible(found.limits)
    assert found.limits != (50, 1200)
    assert found.notes == ()


def test_a_window_that_a_user_has_set_is_used():
    found = choose(HEAD, modality="MR", file_limits=(0, 100), is_deliberate=True)
    assert found == ((0, 100), (), ())


def test_the_window_of_a_ct_is_used_without_a_look_at_the_values():
    def sample():
        raise AssertionError

    found = choose_opening_window(
        sample, is_integer=True, modality="CT", unit="HU", file_limits=(0, 80)
    )
    assert found == ((0, 80), (), ())


@pytest.mark.parametrize(("limits", "is_used"), [((0, 300), True), ((4000, 5000), False)])
def test_the_window_of_an_x_ray_is_used_where_it_shows_anything(limits, is_used):
    assert (choose(HEAD, modality="DX", file_limits=limits).limits == limits) == is_used


@pytest.mark.parametrize("name", ["Soft tissue", "Lung", "Bone", "Brain"])
def test_a_ct_without_a_window_gets_the_preset_for_its_reconstruction(name):
    found = choose(HU, modality="CT", unit="HU", ct_window=name)
    preset = next(window for window in CT_WINDOWS if window[2] == name)
    assert found.limits == limits_from_window(*preset[:2])
    assert found.proposed == ((*preset[:2], f"{name} (proposed)"),)
    assert found.notes == ()


def test_a_ct_that_the_preset_does_not_show_gets_its_own_window():
    low, high = choose(HU + 3000, modality="CT", unit="HU").limits
    assert low < 2100
    assert high > 3000


def test_values_that_look_like_a_ct_open_as_one_and_say_so():
    found = choose(HU)
    assert found.limits == SOFT_TISSUE
    assert found.notes == (HU_ASSUMED,)
    assert len(found.proposed) > 1


@pytest.mark.parametrize(
    "values",
    [
        HEAD,
        HU + 1024,
        HU * 10,
        HU / 1000,
        HU - 200,
        np.full(99, -1000),
        np.arange(-1000, 1000),
        np.random.default_rng(6).normal(0, 350, 20_000),
        np.random.default_rng(6).normal(-300, 350, 20_000),
    ],
    ids=[
        "MR",
        "stored values of a CT",
        "other scale",
        "attenuation",
        "shifted",
        "air",
        "a ramp",
        "a field map",
        "a field map off centre",
    ],
)
def test_other_values_are_not_taken_for_a_ct(values):
    found = choose(values)
    assert found.limits != SOFT_TISSUE
    assert found.notes == ()


def test_lungs_without_air_around_look_like_a_ct():
    lungs = np.random.default_rng(8).normal(-860, 30, HU.shape)
    assert choose(np.where(HU < -500, lungs, HU)).notes == (HU_ASSUMED,)


def test_an_mr_with_air_and_fat_at_the_values_of_a_ct_is_no_ct():
    assert choose(HU, modality="MR").limits != SOFT_TISSUE


@pytest.mark.parametrize("hottest", [3.0, 9.0, 40.0])
def test_a_pet_in_suv_opens_from_0_to_7(hottest):
    uptake = np.where(make_head() > 0, 1.0, 0.01)
    uptake[:, 40:50, 40:50] = hottest
    found = choose(uptake, modality="PT", unit="g/ml")
    assert found.limits == (0, 7)
    assert found.proposed == ((3.5, 7, "SUV 0 to 7 (proposed)"),)


def test_a_pet_in_suv_with_little_uptake_is_not_opened_black():
    uptake = add_noise(make_head()) / SKIN / 10
    assert choose(uptake, modality="PT", unit="g/ml").limits[1] < 0.2


def test_a_pet_in_becquerels_opens_from_zero():
    uptake = np.random.default_rng(5).gamma(20, 0.05, HEAD.shape) * (make_head() > 0) * 5000
    uptake[:, 40:44, 40:44] = 500_000
    low, high = choose(uptake, modality="PT", unit="Bq/ml").limits
    assert low == 0
    assert 15_000 < high < 60_000


def test_an_mr_is_offered_windows_for_dark_and_bright_structures():
    found = choose(HEAD, modality="MR", file_limits=(50, 1200))
    assert [name for _, _, name in found.proposed] == [
        "Whole object (proposed)",
        "Dark structures (proposed)",
        "Bright structures (proposed)",
    ]


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_proposed_window_is_the_one_that_is_opened(dtype):
    found = choose_array_window(HEAD.astype(dtype))
    center, width, _ = found.proposed[0]
    function = "LINEAR" if dtype is np.int16 else "LINEAR_EXACT"
    assert limits_from_window(center, width, function) == pytest.approx(found.limits)


def test_volumes_from_arrays_open_in_a_proposed_window():
    volume = Volume.from_array(HU, spacing=1.0)
    assert volume.contrast_limits == SOFT_TISSUE
    assert volume.notes == (HU_ASSUMED,)
    assert volume.proposed_windows[0][2] == "Soft tissue (proposed)"
    assert Volume.from_array(HU, spacing=1.0, contrast_limits=(0, 9)).proposed_windows == ()
