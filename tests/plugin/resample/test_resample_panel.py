"""The widget and the menu that resample a layer, by real clicks in a real viewer."""

import gc
import weakref

import dask.array as da
import numpy as np
import pytest
from napari.utils.notifications import notification_manager

from helpers.idle import wait_until_idle
from helpers.menus import action, opened
from napari_medread import read, resample
from napari_medread.plugin.resample.resample_panel import (
    ISOTROPIC,
    OTHER_GRID,
    PATIENT_AXES,
    SPACING,
)
from napari_medread.plugin.samples import find_example

MENU = "Layers", "Transform"
ALIGNED = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
"""Columns: the array axes SI, AP, RL in LPS."""


@pytest.fixture
def widget(viewer):
    """Return the widget, opened from the menu."""
    return opened(viewer, *MENU, "Resample (")


@pytest.fixture
def resampled(qtbot, viewer, widget, click):
    """Click Resample, wait, and return the new layer."""

    def done():
        before = list(viewer.layers)
        click(widget.run)
        qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
        (found,) = (layer for layer in viewer.layers if layer not in before)
        return found

    return done


def world(layer, index):
    return np.array(layer.data_to_world(index))


def assert_drawn_on(layer, source):
    """Check that a layer covers what its source covers, in napari's world."""
    for share in (0.0, 0.5, 1.0):
        places = [world(each, np.array(each.data.shape) * share - 0.5) for each in (layer, source)]
        # Voxels that do not divide the source hang over on both sides.
        np.testing.assert_allclose(*places, atol=max(layer.scale) / 2 + 1e-6)
    middles = [world(each, (np.array(each.data.shape) - 1) / 2) for each in (layer, source)]
    np.testing.assert_allclose(*middles, atol=1e-6)


def test_straightening_the_oblique_example(viewer, widget, resampled):
    (source,) = viewer.open_sample("napari-medread", "mr_sagittal")
    source.contrast_limits, source.colormap, source.gamma = (5, 400), "bop orange", 0.7
    before = np.array(source.data)
    widget.to.value = PATIENT_AXES
    assert "144 × 138 × 19 voxels" in widget.outcome.value
    assert "2.3 × 2.5 × 7 mm, 0.8 MB" in widget.outcome.value
    found = resampled()
    (volume,) = read(find_example("mr_sagittal"))
    np.testing.assert_array_equal(found.data, resample(volume, straighten=True).data)
    affine = found.metadata["patient_affine"]
    np.testing.assert_allclose(affine[:3, :3], ALIGNED * [2.5, 2.3, 7.0], atol=1e-9)
    # Along the patient's axes napari draws it just where it is.
    corner = np.array(found.data.shape) - 1
    place = affine[:3, :3] @ corner + affine[:3, 3]
    np.testing.assert_allclose(world(found, corner), ALIGNED.T @ place, atol=1e-6)
    assert tuple(found.contrast_limits) == (5, 400)
    assert found.colormap.name == "bop orange"
    assert found.gamma == 0.7
    assert found.axis_labels == ("SI", "AP", "RL")
    assert viewer.layers.selection.active is found
    assert "outside" in widget.message.value
    np.testing.assert_array_equal(source.data, before)
    middle = found.extent.world.mean(axis=0)
    np.testing.assert_allclose(viewer.dims.point, middle, atol=max(found.scale))


def test_isotropic_voxels_are_drawn_on_their_source(viewer, widget, resampled):
    (source,) = viewer.open_sample("napari-medread", "mr_sagittal")
    assert [box.value for box in widget.spacing] == [2.3] * 3
    widget.spacing[1].native.setValue(3.5)  # as typed
    assert [box.value for box in widget.spacing] == [3.5] * 3
    found = resampled()
    assert tuple(found.scale) == pytest.approx([3.5] * 3)
    assert found.name == "3 T1 sagittal 3.5 mm"
    assert [box.value for box in widget.spacing] == [3.5] * 3  # for the next one
    assert_drawn_on(found, source)
    assert "patient_affine" in found.metadata


def test_a_spacing_for_every_axis_keeps_what_is_not_edited_exact(viewer, widget, resampled):
    viewer.add_image(
        np.zeros((4, 5, 6), np.uint8), scale=(3, 0.97656251, 1), units="mm", name="scan"
    )
    widget.to.value = SPACING
    assert [box.value for box in widget.spacing] == [3.0, 0.977, 1.0]
    widget.spacing[0].native.setValue(1.5)
    found = resampled()
    assert tuple(found.scale) == pytest.approx((1.5, 0.97656251, 1), abs=1e-12)
    assert found.data.shape == (8, 5, 6)


def test_the_grid_of_another_layer(viewer, widget, resampled):
    (source,) = viewer.open_sample("napari-medread", "mr_sagittal")
    (like,) = viewer.open_sample("napari-medread", "ct_thorax")
    widget.layer.value, widget.to.value = source, OTHER_GRID
    assert widget.like.value is like
    assert not any(box.enabled for box in widget.spacing)
    found = resampled()
    assert found.data.shape == like.data.shape
    np.testing.assert_allclose(
        found.metadata["patient_affine"], like.metadata["patient_affine"], atol=1e-9
    )
    for corner in ((0, 0, 0), (3, 4, 5)):
        np.testing.assert_allclose(world(found, corner), world(like, corner), atol=1e-9)
    assert found.name == f"{source.name} on {like.name}"


def test_labels_are_nearest(viewer, widget, resampled):
    (image,) = viewer.open_sample("napari-medread", "mr_sagittal")
    numbers = (np.asarray(image.data) > 100).astype(np.int32) * 7
    labels = viewer.add_labels(
        numbers, scale=image.scale, translate=image.translate, affine=image.affine, units="mm"
    )
    labels.axis_labels = image.axis_labels
    widget.layer.value, widget.to.value = labels, PATIENT_AXES
    assert not widget.interpolation.enabled
    assert widget.interpolation.value == "nearest"
    assert not widget.smooth.enabled
    found = resampled()
    assert found._type_string == "labels"
    assert found.data.dtype == np.int32
    assert set(np.unique(found.data)) == {0, 7}
    np.testing.assert_allclose(
        found.metadata["patient_affine"][:3, :3], ALIGNED * [2.5, 2.3, 7.0], atol=1e-9
    )
    widget.layer.value = image
    assert widget.interpolation.enabled


@pytest.mark.parametrize(
    "change",
    [
        {"translate": (5.0, -7.0, 11.0)},
        {"scale": (4.0, 3.0, 2.0)},
        {"rotate": [[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_layer_that_was_moved_is_resampled_where_it_is(viewer, widget, resampled, change):
    (source,) = viewer.open_sample("napari-medread", "ct_thorax")
    for name, value in change.items():
        setattr(source, name, value)
    widget.spacing[0].native.setValue(6.5)
    found = resampled()
    assert_drawn_on(found, source)
    widget.layer.value = found
    assert "6.5 × 6.5 × 6.5 mm" in widget.outcome.value


def test_an_array_from_elsewhere(viewer, widget, resampled):
    data = np.random.default_rng(0).random((3, 4, 5, 6)).astype(np.float32)
    source = viewer.add_image(data, scale=(0.5, 2, 1, 1), translate=(7, 0, 3, 9), name="cells")
    assert "its scale was assumed to be in millimetres" in widget.outcome.value
    found = resampled()
    assert found.data.shape == (3, 8, 5, 6)
    assert_drawn_on(found, source)
    assert found.scale[0] == 0.5
    assert found.units == source.units
    assert found.axis_labels == source.axis_labels
    assert "patient_affine" not in found.metadata
    widget.layer.value, widget.to.value = source, PATIENT_AXES
    assert widget.outcome.value.startswith("cells: its position in the patient is not known")
    assert not widget.run.enabled


def test_layers_with_and_without_a_position_do_not_mix(viewer, widget):
    (scan,) = viewer.open_sample("napari-medread", "ct_thorax")
    cells = viewer.add_image(np.zeros((4, 5, 6)), name="cells")
    widget.layer.value, widget.to.value, widget.like.value = cells, OTHER_GRID, scan
    assert widget.outcome.value == (
        f"cells cannot be resampled to the grid of {scan.name}: {scan.name} has a position in the "
        "patient, cells has none."
    )
    assert not widget.run.enabled


def test_a_plane_with_a_spacing(viewer, widget, resampled):
    (source,) = viewer.open_sample("napari-medread", "chest_xray")
    step = float(source.scale[0]) * 2
    assert [box.native.isVisible() for box in widget.spacing] == [False, True, True]
    widget.spacing[1].native.setValue(step)
    assert widget.smooth.enabled
    widget.smooth.value = True
    found = resampled()
    assert found.data.ndim == 2
    assert found.scale == pytest.approx([step, step], abs=1e-3)
    assert "smoothed first" in found.metadata["notes"][-1]
    widget.layer.value, widget.to.value = source, PATIENT_AXES
    assert "patient's axes are not known" in widget.outcome.value


def test_a_colour_picture(viewer, widget, resampled):
    (source,) = viewer.open_sample("napari-medread", "chest_section")
    widget.spacing[1].native.setValue(float(source.scale[0]) * 2)
    found = resampled()
    assert found.rgb
    assert found.data.dtype == source.data.dtype
    assert found.data.shape[-1] == source.data.shape[-1]
    assert found.data.shape[0] == pytest.approx(source.data.shape[0] / 2, abs=1)


def test_a_picture_without_a_pixel_size_is_refused(viewer, widget):
    viewer.add_image(np.zeros((20, 30)), name="picture")
    assert widget.outcome.value.startswith("picture: the size of its pixels in mm is not known")
    assert not widget.run.enabled


def test_what_is_too_large_is_refused_before_the_click(viewer, widget):
    viewer.open_sample("napari-medread", "ct_thorax")
    widget.spacing[0].native.setValue(0.002)
    assert "GB are free" in widget.outcome.value
    assert not widget.run.enabled


def test_layers_come_and_go(viewer, widget):
    assert widget.layer.value is None
    assert widget.outcome.value == "Open an image or labels layer first."
    assert not widget.run.enabled
    viewer.add_points(np.zeros((1, 3)))
    assert not widget.layer.choices
    layer = viewer.add_image(np.zeros((4, 5, 6)), name="scan", units="mm")
    assert widget.run.enabled
    layer.name = "other"
    assert widget.layer.current_choice == "other"
    layer.scale = (2, 1, 1)
    assert "6 × 5 × 8 voxels" in widget.outcome.value
    widget.to.value = OTHER_GRID
    assert "whose grid you want" in widget.outcome.value
    viewer.layers.clear()
    assert widget.outcome.value == "Open an image or labels layer first."
    assert not widget.run.enabled


def test_it_keeps_no_layer_alive(qtbot, viewer, widget, resampled):
    data = np.zeros((4, 5, 6))
    layer = viewer.add_image(data, name="scan", units="mm", scale=(2, 1, 1))
    refs = [weakref.ref(data), weakref.ref(layer), weakref.ref(resampled())]
    del data, layer
    viewer.layers.clear()
    wait_until_idle()  # napari removes its controls a little later
    gc.collect()
    assert [ref() for ref in refs] == [None, None, None]


def test_it_opens_again_after_it_was_closed(viewer, widget):
    viewer.open_sample("napari-medread", "ct_thorax")
    gone = weakref.ref(widget)
    viewer.window.remove_dock_widget(widget.native)
    del widget
    again = opened(viewer, *MENU, "Resample (")
    assert again is not gone()
    assert again.run.enabled


def test_cancelling_leaves_no_layer(qtbot, viewer, widget, click):
    viewer.open_sample("napari-medread", "ct_thorax")
    count = len(viewer.layers)
    widget.interpolation.value = "b-spline"
    widget.spacing[0].native.setValue(0.7)
    click(widget.run)
    assert not widget.run.native.isVisible()
    qtbot.waitUntil(lambda: widget.progress.value > 0, timeout=20000)
    click(widget.cancel)
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    assert len(viewer.layers) == count
    assert widget.message.value == "Cancelled."
    assert widget.run.native.isVisible()
    assert not widget.progress.native.isVisible()


def test_a_viewer_may_be_closed_while_it_works(qtbot, viewer, widget, click):
    viewer.open_sample("napari-medread", "ct_thorax")
    widget.spacing[0].native.setValue(0.7)
    click(widget.run)
    work, states = widget._task, []
    work.finished.connect(lambda: states.append("finished"))
    viewer.close()
    qtbot.waitUntil(lambda: bool(states), timeout=20000)
    assert len(viewer.layers) == 0


@pytest.mark.parametrize(
    ("title", "wanted"),
    [("Resample to isotropic", {}), ("Straighten to the patient's axes", {"straighten": True})],
)
def test_the_menu_resamples_the_active_layer(qtbot, viewer, title, wanted):
    viewer.open_sample("napari-medread", "mr_sagittal")
    action(viewer, *MENU, title).trigger()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=20000)
    (volume,) = read(find_example("mr_sagittal"))
    expected = resample(volume, **wanted)
    np.testing.assert_array_equal(viewer.layers[-1].data, expected.data)
    np.testing.assert_allclose(
        viewer.layers[-1].metadata["patient_affine"], expected.patient_affine, atol=1e-9
    )


def test_the_menu_says_what_it_needs(viewer, messages):
    viewer.add_points(np.zeros((1, 3)))
    action(viewer, *MENU, "Resample to isotropic").trigger()
    assert messages() == ["Select an image or labels layer first."]
    notification_manager.records.clear()
    viewer.add_image(np.zeros((4, 5)), name="picture")
    action(viewer, *MENU, "Straighten").trigger()
    assert messages()[-1].startswith("picture: the size of its pixels in mm is not known")
    assert len(viewer.layers) == 2


def test_the_menu_shows_that_it_is_open(viewer, widget):
    assert action(viewer, *MENU, "Resample (").isChecked()
    assert widget.to.value == ISOTROPIC


@pytest.mark.parametrize("pyramid", [False, True])
def test_a_lazy_series(viewer, widget, resampled, pyramid):
    data = np.random.default_rng(7).random((2, 4, 6, 6)).astype(np.float32)
    lazy = da.from_array(data, chunks=(1, 1, 6, 6))
    source = viewer.add_image(
        [lazy, lazy[..., ::2, ::2]] if pyramid else lazy,
        scale=(5, 2, 1, 1),
        units=("s", "mm", "mm", "mm"),
        name="scan",
    )
    assert "6 × 6 × 8 × 2 voxels" in widget.outcome.value
    found = resampled()
    assert found.data.shape == (2, 8, 6, 6)
    # Half way between two slices lies half of each.
    between = (np.asarray(found.data)[:, 3] + np.asarray(found.data)[:, 4]) / 2
    np.testing.assert_allclose(between, (data[:, 1] + data[:, 2]) / 2, atol=1e-6)
    assert found.units == source.units
