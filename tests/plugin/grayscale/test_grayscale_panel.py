"""The widget and the menu that make grey of colour, by real clicks in a real viewer."""

import gc
import weakref

import dask.array as da
import numpy as np
import pytest
from napari.settings import get_plugin_settings
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt

from helpers.idle import wait_until_idle
from helpers.menus import action, opened
from napari_medread.core.grayscale_conversion import MEAN, REC_601, REC_709
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.gui.preferences import get_preference

MENU = "Layers", "Data"


@pytest.fixture
def widget(viewer):
    """Return the widget, opened from the menu."""
    return opened(viewer, *MENU, "Grayscale (")


@pytest.fixture
def grey_of(qtbot, viewer, widget):
    """Click Make grey, wait, and return the new layer."""

    def done():
        before = list(viewer.layers)
        qtbot.mouseClick(widget.run.native, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
        (found,) = (layer for layer in viewer.layers if layer not in before)
        return found

    return done


def test_a_picture_and_its_grey_side_by_side(viewer, widget, grey_of):
    (source,) = viewer.open_sample("napari-medread", "chest_section")
    points = viewer.add_points(np.zeros((1, 2)))
    before = np.array(source.data)
    found = grey_of()
    assert list(viewer.layers) == [source, found, points]
    assert found.name == f"{source.name} grey"
    assert found.data.dtype == np.uint8
    expected = np.mean(before[..., :3], axis=-1)
    assert np.abs(found.data - expected).max() <= 0.5
    np.testing.assert_array_equal(source.data, before)
    assert not found.rgb
    assert tuple(found.contrast_limits) == (0, 255)
    assert found.colormap.name == "gray"
    np.testing.assert_array_equal(found.extent.world, source.extent.world)
    assert found.units == source.units
    assert found.axis_labels == source.axis_labels
    assert found.metadata["source"] == source.metadata["source"]
    assert found.metadata["notes"] == [
        *source.metadata["notes"],
        "Grey is the mean of red, green and blue.",
    ]
    assert widget.message.value.startswith(f"Added {found.name}.")

    grid = viewer.canvas.grid
    widget.side_by_side.native.click()
    assert grid.enabled
    assert grid.actual_shape(viewer.layers) == (1, 2)
    positions = [grid.position(viewer.layers.index(each), viewer.layers) for each in viewer.layers]
    assert positions == [(0, 0), (0, 1), (-1, -1)]
    widget.side_by_side.native.click()
    assert not grid.enabled
    assert grid.shape == (-1, -1)
    assert points.visible

    widget.side_by_side.native.click()  # and once more, before the grey is deleted
    viewer.layers.remove(found)
    assert not widget.side_by_side.value
    assert not grid.enabled
    assert source.visible
    assert points.visible


def test_a_lazy_volume_in_patient_space(viewer, widget, grey_of):
    read = []

    def block(values):
        read.append(1)
        return values

    color = np.random.default_rng(0).integers(0, 65536, (2, 4, 5, 6, 4), np.uint16)
    affine = np.array([[0, 0, -2.0, 9], [0, 1.5, 0, 7], [-3, 0, 0, 5], [0, 0, 0, 1]])
    source = viewer.add_image(
        da.from_array(color, chunks=(1, 1, 5, 6, 4)).map_blocks(block, dtype=np.uint16, meta=color),
        rgb=True,
        name="stained",
        scale=(10, 3, 1.5, 2),
        translate=(0, -5, 7, -9),
        affine=np.diag([1, 1, 1, -1, 1]),
        units=("s", "mm", "mm", "mm"),
        axis_labels=("time", "SI", "AP", "RL"),
        opacity=0.8,
        metadata={"patient_affine": affine, "notes": ["a note"], "modality": "XC"},
    )
    widget.luma.value = REC_709
    count_before = len(read)  # what napari itself has read to draw it
    viewer.window._qt_viewer.hide()
    found = grey_of()
    assert isinstance(found.data, da.Array)
    assert len(read) - count_before <= 2  # no more than the planes that are drawn
    expected = color[..., :3] @ np.array([0.2126, 0.7152, 0.0722])
    assert np.abs(found.data.compute() - expected).max() <= 0.5 + 1e-9
    assert found.data.dtype == np.uint16
    assert tuple(found.contrast_limits) == (0, 65535)
    was, now = (volume_from_layer(each).volume for each in (source, found))
    np.testing.assert_array_equal(now.patient_affine, was.patient_affine)
    assert now.axis_labels == was.axis_labels
    assert now.units == was.units
    assert now.modality == "XC"
    assert now.notes == (
        "a note",
        "Grey is the luma of Rec. 709: 0.2126 red, 0.7152 green, 0.0722 blue.",
    )
    assert source.metadata["notes"] == ["a note"]
    assert found.opacity == 0.8


def test_layers_without_colour_are_refused_in_a_sentence(viewer, widget):
    assert widget.outcome.value == "Open a colour picture first."
    viewer.add_labels(np.zeros((4, 5), int))
    assert not widget.run.enabled
    layer = viewer.add_image(np.zeros((4, 5)), name="film")
    assert widget.outcome.value == "film is already grey."
    assert not widget.run.enabled
    layer.name = "other"
    assert widget.outcome.value == "other is already grey."
    viewer.add_image(np.zeros((4, 5, 3), np.uint8), rgb=True, name="photo")
    widget.layer.value = viewer.layers["photo"]
    assert widget.outcome.value == "Result: 5 × 4, uint8, in the same place."
    assert widget.run.enabled
    viewer.layers.clear()
    assert not widget.run.enabled


def test_the_menu_makes_grey_as_the_preferences_say(qtbot, viewer, messages):
    assert get_preference("grey", "luma") == MEAN
    layer = viewer.add_image(np.array([[[200, 0, 0]]], np.uint8), rgb=True, name="red")
    get_plugin_settings("napari-medread").grey.luma = REC_601
    try:
        action(viewer, *MENU, "Convert colour to grey").trigger()
        qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=20000)
        action(viewer, *MENU, "Grayscale (").trigger()
        (dock,) = (d for n, d in viewer.window._wrapped_dock_widgets.items() if "Grayscale" in n)
        assert dock.inner_widget().luma.value == REC_601
    finally:
        get_plugin_settings("napari-medread").grey.luma = MEAN
    assert viewer.layers["red grey"].data.tolist() == [[60]]  # 0.299 x 200 = 59.8
    notification_manager.records.clear()
    action(viewer, *MENU, "Convert colour to grey").trigger()
    viewer.layers.selection = {}
    action(viewer, *MENU, "Convert colour to grey").trigger()
    assert messages() == ["red grey is already grey.", "Select a colour layer first."]
    assert layer in viewer.layers


def test_it_keeps_no_layer_alive(qtbot, viewer, widget, grey_of):
    layer = viewer.add_image(np.zeros((4, 5, 3), np.uint8), rgb=True)
    widget.side_by_side.value = True
    refs = [weakref.ref(layer), weakref.ref(grey_of())]
    assert viewer.canvas.grid.enabled
    del layer
    viewer.layers.clear()
    assert not viewer.canvas.grid.enabled
    wait_until_idle()  # napari removes its controls a little later
    gc.collect()
    assert [ref() is None for ref in refs] == [True, True]
    gone = weakref.ref(widget)
    viewer.window.remove_dock_widget(widget.native)
    del widget
    action(viewer, *MENU, "Grayscale (").trigger()
    (dock,) = (d for n, d in viewer.window._wrapped_dock_widgets.items() if "Grayscale" in n)
    assert dock.inner_widget() is not gone()


@pytest.mark.parametrize("levels", [1, 2], ids=["one resolution", "pyramid"])
@pytest.mark.parametrize("lazy", [False, True], ids=["in memory", "lazy"])
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((8, 10, 3), "u1"), ((8, 10, 4), "u2"), ((3, 8, 10, 3), "u2"), ((2, 3, 8, 10, 4), "u1")],
    ids=["RGB", "RGBA of 16 bits", "volume", "volumes over time"],
)
def test_grey_of_any_colour_layer(viewer, widget, grey_of, shape, dtype, lazy, levels):
    top = np.iinfo(dtype).max
    finest = np.random.default_rng(4).integers(0, top, shape, dtype, endpoint=True)
    arrays = [finest, finest[..., ::2, ::2, :]][:levels]
    held = [da.from_array(each) for each in arrays] if lazy else arrays
    axes = len(shape) - 1
    source = viewer.add_image(
        held if levels > 1 else held[0],
        rgb=True,
        multiscale=levels > 1,
        scale=(3.0, 2.0, 0.5, 0.25)[-axes:],
        rotate=90,
        name="photo",
    )
    found = grey_of()
    assert found.multiscale == (levels > 1)
    for grey, color in zip(found.data if levels > 1 else [found.data], arrays, strict=True):
        assert isinstance(grey, da.Array) == lazy
        assert grey.dtype == color.dtype
        assert np.abs(np.asarray(grey) - np.mean(color[..., :3], axis=-1)).max() <= 0.5
    np.testing.assert_array_equal(found.extent.world, source.extent.world)
    corner = np.arange(axes)
    np.testing.assert_allclose(found.data_to_world(corner), source.data_to_world(corner))


def side_by_side(viewer, widget, grey_of, click):
    """Show a colour layer and its grey, and return points that are hidden meanwhile."""
    viewer.add_image(np.zeros((8, 10, 3), np.uint8), rgb=True, name="photo")
    points = viewer.add_points(np.zeros((1, 2)))
    widget.layer.value = viewer.layers["photo"]
    grey_of()
    click(widget.side_by_side)
    assert viewer.canvas.grid.enabled
    assert not points.visible
    return points


def close(viewer):
    (dock,) = viewer.window._wrapped_dock_widgets.values()
    dock.destroyOnClose()  # what the button of the dock is connected to


def arrangement(viewer):
    grid = viewer.canvas.grid
    return grid.enabled, grid.stride, tuple(grid.shape)


@pytest.mark.parametrize("before", [(False, 1, (-1, -1)), (True, 2, (3, -1))])
def test_closing_puts_the_grid_back(qtbot, viewer, widget, grey_of, click, before):
    grid = viewer.canvas.grid
    grid.enabled, grid.stride, grid.shape = before
    points = side_by_side(viewer, widget, grey_of, click)
    assert arrangement(viewer) == (True, 1, (1, 2))
    del widget
    close(viewer)
    assert arrangement(viewer) == before
    assert points.visible


def test_a_grid_that_was_arranged_since_stays(qtbot, viewer, widget, grey_of, click):
    points = side_by_side(viewer, widget, grey_of, click)
    viewer.canvas.grid.shape = (2, 1)
    assert not widget.side_by_side.value
    assert arrangement(viewer) == (True, 1, (2, 1))
    assert points.visible
    close(viewer)
    assert arrangement(viewer) == (True, 1, (2, 1))


def test_what_was_shown_or_hidden_since_stays(qtbot, viewer, widget, grey_of, click):
    points = side_by_side(viewer, widget, grey_of, click)
    points.visible = True
    viewer.layers["photo"].visible = False
    click(widget.side_by_side)
    assert points.visible
    assert not viewer.layers["photo"].visible
    click(widget.side_by_side)
    button = viewer.window._qt_viewer.viewerButtons.gridViewButton
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not viewer.canvas.grid.enabled
    assert not widget.side_by_side.value


def test_a_viewer_is_closed_side_by_side(qtbot, viewer, widget, grey_of, click):
    side_by_side(viewer, widget, grey_of, click)
    viewer.close()
    wait_until_idle()
    assert not notification_manager.records
