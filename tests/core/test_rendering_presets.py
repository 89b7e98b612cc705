"""Presets for volume rendering."""

import numpy as np
import pytest

from napari_medread.core.rendering_presets import (
    CT_RENDERING_PRESETS,
    HU_SCALE,
    MR_RENDERING_PRESETS,
    PET_RENDERING_PRESETS,
    SPAN_SCALE,
    find_rendering_presets,
    find_sample_step,
    find_value_span,
)

ALL = (*CT_RENDERING_PRESETS, *MR_RENDERING_PRESETS, *PET_RENDERING_PRESETS)


@pytest.mark.parametrize("preset", ALL, ids=lambda preset: f"{preset.scale} {preset.name}")
def test_presets_are_valid(preset):
    values = [point[0] for point in preset.control_points]
    assert values == sorted(values)
    assert len(set(values)) == len(values)
    colours = preset.make_transfer_function(1.0)
    assert ((colours >= 0) & (colours <= 1)).all()
    if preset.mode == "translucent":
        assert colours[0, 3] == 0  # what surrounds the patient is clear
    else:
        assert (colours[:, 3] == 1).all()
    assert (
        preset.make_contrast_limits((10.0, 20.0))[0] < preset.make_contrast_limits((10.0, 20.0))[1]
    )


def test_names_of_presets_are_unique():
    for family in (CT_RENDERING_PRESETS, MR_RENDERING_PRESETS, PET_RENDERING_PRESETS):
        assert len({each.name for each in family}) == len(family)


@pytest.mark.parametrize("parts", [2, 5])
def test_a_finer_grid_looks_the_same(parts):
    """Light that passes many short steps is what passes one long step (Beer-Lambert)."""
    for preset in (each for each in ALL if each.mode == "translucent"):
        whole, part = preset.make_transfer_function(3.0), preset.make_transfer_function(3.0 / parts)
        np.testing.assert_allclose((1 - part[:, 3]) ** parts, 1 - whole[:, 3], atol=1e-12)
        np.testing.assert_array_equal(part[:, :3], whole[:, :3])


def test_opacity_is_that_of_one_millimetre():
    bone = CT_RENDERING_PRESETS[0]
    value, _, opacity = bone.control_points[4]
    low, high = bone.make_contrast_limits()
    at = np.linspace(low, high, 256)
    assert np.interp(value, at, bone.make_transfer_function(1.0)[:, 3]) == pytest.approx(
        opacity, abs=2e-3
    )


def test_steps_follow_the_mean_voxel_size():
    assert find_sample_step((1.0, 1.0, 1.0)) == 0.8  # vispy's relative_step_size
    assert find_sample_step((8.0, 1.0, 1.0)) == pytest.approx(1.6)


def test_limits_are_absolute_in_hu_and_relative_otherwise():
    assert CT_RENDERING_PRESETS[0].scale == HU_SCALE
    assert (
        CT_RENDERING_PRESETS[0].make_contrast_limits((5, 6))
        == CT_RENDERING_PRESETS[0].make_contrast_limits()
        == (100, 1500)
    )
    mip = PET_RENDERING_PRESETS[0]
    assert mip.scale == SPAN_SCALE
    assert mip.make_contrast_limits((-3.0, 17.0)) == (-3.0, 17.0)


def test_the_span_does_not_depend_on_empty_space():
    tissue = np.random.default_rng(0).uniform(80, 120, 10_000)
    for empty in (15_000, 150_000):
        low, high = find_value_span(np.concatenate([np.zeros(empty), tissue, [np.nan, np.inf]]))
        assert low == 0
        assert high == pytest.approx(119.8, abs=0.2)
    for odd in ([], [np.nan], [3, 3, 3]):
        low, high = find_value_span(np.array(odd, float))
        assert np.isfinite([low, high]).all()
        assert low < high


def test_presets_by_modality_and_unit():
    assert (
        find_rendering_presets("CT", "HU")
        == find_rendering_presets("", "HU")
        == CT_RENDERING_PRESETS
    )
    assert find_rendering_presets("MR", "") == MR_RENDERING_PRESETS
    assert (
        find_rendering_presets("PT", "BQML")
        == find_rendering_presets("NM", "")
        == PET_RENDERING_PRESETS
    )
    unknown = find_rendering_presets("", "")
    assert unknown[: len(MR_RENDERING_PRESETS)] == MR_RENDERING_PRESETS
    assert {"Bone", "Lungs"} <= {each.name for each in unknown}
