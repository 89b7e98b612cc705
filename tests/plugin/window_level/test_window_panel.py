"""The widget for window and level, by real clicks and drags in a real viewer."""

import gc
import itertools
import weakref

import dask.array as da
import numpy as np
import pytest
from napari.utils import Colormap
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from helpers.builders import make_series, write_series
from helpers.idle import wait_until_idle
from helpers.keys import typed
from helpers.menus import opened
from helpers.scanned_head import SKIN, add_noise, make_head
from napari_medread.plugin.gui.preferences import PLUGIN_NAME

MENU = "Layers", "Visualize", "Window and level"


@pytest.fixture
def widget(viewer):
    return opened(viewer, *MENU)


@pytest.fixture
def click(qtbot):
    """Click a button, or the text of a row in the list of windows."""

    def clicked(control, text=None):
        native = control.native
        assert native.isVisible()
        assert native.isEnabled()
        where = native.rect().center() if text is None else None
        if isinstance(where, QPoint) and hasattr(native, "isChecked"):
            where.setX(10)  # a tick is on the left
        if text is not None:
            (item,) = (native.item(n) for n in range(native.count())
                       if native.item(n).text().startswith(text))  # fmt: skip
            where, native = native.visualItemRect(item).center(), native.viewport()
        qtbot.mouseClick(native, Qt.MouseButton.LeftButton, pos=where)

    return clicked


def drag(viewer, right, up, button=Qt.MouseButton.RightButton):
    """Drag on the canvas, in several moves, and return whether napari zoomed or panned."""
    canvas = viewer.window._qt_viewer.canvas.native
    start = QPointF(canvas.rect().center())
    camera = viewer.window._qt_viewer.canvas.camera
    before = [camera.zoom, *camera.center]

    def send(kind, share, pressed, held):
        at = start + QPointF(right * share, -up * share)
        event = QMouseEvent(
            kind, at, canvas.mapToGlobal(at), pressed, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(canvas, event)
        wait_until_idle()

    none = Qt.MouseButton.NoButton
    send(QEvent.Type.MouseButtonPress, 0, button, button)
    for share in (0.25, 0.5, 1):
        send(QEvent.Type.MouseMove, share, none, button)
    send(QEvent.Type.MouseButtonRelease, 1, button, none)
    return not np.allclose([camera.zoom, *camera.center], before)


def numbers(widget):
    return widget.numbers.boxes["width"].value, widget.numbers.boxes["center"].value


def dicom(tmp_path, **attributes):
    """Return a folder with a CT of two windows."""
    attributes = {
        "WindowCenter": [40, -600],
        "WindowWidth": [400, 1500],
        "WindowCenterWidthExplanation": ["WINDOW1", "LUNG"],
        "RescaleIntercept": -1024,
        "RescaleSlope": 1,
        **attributes,
    }
    return write_series(tmp_path, make_series(**attributes))


def test_proposed_windows_are_listed_and_can_be_undone(viewer, widget, click, tmp_path):
    head = add_noise(make_head(slices=6)).astype(np.uint16)

    def fill(n, dataset):
        dataset.Rows, dataset.Columns = head.shape[1:]
        dataset.PixelData = head[n].tobytes()
        dataset.WindowCenter, dataset.WindowWidth = str(20 + n), str(40 + n)

    folder = write_series(tmp_path, make_series(slices=range(6), change=fill, Modality="MR"))
    (layer,) = viewer.open(folder, plugin="napari-medread")
    wait_until_idle()
    opened_limits = tuple(layer.contrast_limits)
    texts = [text for text, _ in widget.windows.offered]
    assert [text.split("   ")[0] for text in texts] == [
        "File: window",
        "Whole object (proposed)",
        "Dark structures (proposed)",
        "Bright structures (proposed)",
    ]
    assert widget.windows.value == [1]
    click(widget.windows, "Dark structures")
    assert layer.contrast_limits[1] < SKIN
    click(widget.windows, "File: window")
    assert layer.contrast_limits[1] < 100
    click(widget.undo)
    click(widget.undo)
    assert tuple(layer.contrast_limits) == opened_limits
    assert widget.windows.value == [1]


@pytest.mark.parametrize("is_listed", [False, True])
def test_controls_stand_together_in_a_tall_window_and_show_their_units(viewer, widget, is_listed):
    viewer.window.resize(900, 1150)
    layer = viewer.add_image(np.random.default_rng(3).random((4, 5, 6)) * 3e6)
    windows = [(1e6, 2e6, "file"), (2e6, 1e6, "other")] if is_listed else []
    layer.metadata = {"value_unit": "Bq/ml", "windows": windows}
    layer.contrast_limits = (-12345.67, 2345678.91)
    wait_until_idle()
    assert widget.windows.native.isVisible() == bool(widget.windows.offered) == is_listed
    controls = [widget.layer, widget.heading, widget.windows, *widget.numbers.boxes.values()]
    controls += [widget.run, widget.inverted, widget.right_drag, widget.undo]
    boxes = [
        (each.native.mapTo(widget.native, QPoint(0, 0)).y(), each.native.height())
        for each in controls
        if each.native.isVisible()
    ]
    for (top, height), (next_top, _) in itertools.pairwise(boxes):
        assert 0 <= next_top - top - height <= 12
    for box in widget.numbers.boxes.values():
        edit = box.native.lineEdit()
        assert edit.text().endswith(" Bq/ml")
        assert edit.width() > edit.fontMetrics().horizontalAdvance(edit.text())


def test_a_preset_that_is_proposed_is_listed_once(viewer, widget, tmp_path):
    series = make_series(ConvolutionKernel="BONE")
    viewer.open(write_series(tmp_path, series), plugin="napari-medread")
    wait_until_idle()
    texts = [text for text, _ in widget.windows.offered]
    assert texts[:2] == ["Bone (proposed)   1000 / 400", "Abdomen   350 / 40"]
    assert sum("1000 / 400" in text for text in texts) == 1
    assert widget.windows.value == [0]


def test_the_windows_of_a_file_and_the_presets(viewer, widget, click, tmp_path):
    (layer,) = viewer.open(dicom(tmp_path), plugin="napari-medread")
    assert numbers(widget) == (400, 40)
    assert widget.numbers.boxes["width"].native.text() == "400 HU"
    # PS3.3 C.11.2.1.2.1
    assert (widget.numbers.boxes["lower"].value, widget.numbers.boxes["upper"].value) == (-160, 239)
    texts = [text for text, _ in widget.windows.offered]
    assert texts[:3] == [
        "File: WINDOW1   400 / 40", "File: LUNG   1500 / -600", "Abdomen   350 / 40"
    ]  # fmt: skip
    assert widget.windows.value[0] == 0
    click(widget.windows, "File: LUNG")
    assert tuple(layer.contrast_limits) == (-1350, 149)
    assert numbers(widget) == (1500, -600)
    click(widget.windows, "Bone")
    assert tuple(layer.contrast_limits) == (-100, 899)
    assert layer.contrast_limits_range[1] >= 899
    click(widget.windows, "Brain")
    assert numbers(widget) == (100, 50)
    click(widget.as_opened)
    assert tuple(layer.contrast_limits) == (-160, 239)
    assert widget.windows.value[0] == 0
    click(widget.windows, "Temporal bone")  # far outside what the slider spans
    assert tuple(layer.contrast_limits) == (-800, 1999)
    assert layer.contrast_limits_range[0] <= -800


def test_exact_windows_of_a_file_stay_exact(viewer, widget, tmp_path):
    (layer,) = viewer.open(dicom(tmp_path, VOILUTFunction="LINEAR_EXACT"), plugin="napari-medread")
    assert tuple(layer.contrast_limits) == (-160, 240)
    assert numbers(widget) == (400, 40)
    typed(widget.numbers.boxes["width"], 200)
    assert tuple(layer.contrast_limits) == (-60, 140)


def test_numbers_undo_and_redo(viewer, widget, click, tmp_path):
    (layer,) = viewer.open(dicom(tmp_path), plugin="napari-medread")
    assert not widget.undo.enabled
    typed(widget.numbers.boxes["width"], 101)
    assert tuple(layer.contrast_limits) == (-10.5, 89.5)
    typed(widget.numbers.boxes["center"], 60)
    assert numbers(widget) == (101, 60)
    typed(widget.numbers.boxes["upper"], 300)
    assert tuple(layer.contrast_limits) == (9.5, 300)
    typed(widget.numbers.boxes["lower"], 301)
    assert widget.message.value == "The lower value must be below the upper one."
    assert tuple(layer.contrast_limits) == (9.5, 300)
    assert widget.numbers.boxes["lower"].value == 9.5
    click(widget.undo)
    click(widget.undo)
    assert numbers(widget) == (101, 40)
    assert not widget.message.value
    click(widget.redo)
    assert numbers(widget) == (101, 60)
    layer.contrast_limits = 0, 500  # by napari's own slider
    assert (widget.numbers.boxes["lower"].value, widget.numbers.boxes["upper"].value) == (0, 500)
    assert numbers(widget) == (501, 250.5)
    click(widget.undo)
    assert numbers(widget) == (101, 40)
    click(widget.redo)  # to what was there, not to what had been
    assert tuple(layer.contrast_limits) == (0, 500)
    click(widget.undo)
    typed(widget.numbers.boxes["width"], 50)
    assert not widget.redo.enabled
    layer.auto_contrast = True
    center = widget.numbers.boxes["center"].value
    typed(widget.numbers.boxes["width"], 60)
    viewer.dims.set_current_step(0, 0)  # napari would set others here
    assert numbers(widget) == (60, center)


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, -1, -1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
def test_in_every_plane_and_flipped(viewer, widget, click, order, flips):
    viewer.window.resize(900, 500)
    data = np.full((6, 7, 8), 40, np.int16)
    layer = viewer.add_image(
        data, scale=(3, 1, 1.5), affine=np.diag([*flips, 1.0]), units="mm",
        axis_labels=("SI", "AP", "RL"), contrast_limits=(-160, 239),
        metadata={"modality": "CT", "value_unit": "HU"},
    )  # fmt: skip
    viewer.dims.order = order
    viewer.reset_view()
    wait_until_idle()

    def grey():
        picture = viewer.screenshot(canvas_only=True, flash=False)
        return int(picture[picture.shape[0] // 2, picture.shape[1] // 2, 0])

    assert not drag(viewer, 150, 0)
    assert numbers(widget) == (800, 40)
    assert grey() == pytest.approx(128, abs=2)
    assert not drag(viewer, 0, 60)  # up is brighter
    assert numbers(widget) == (800, -120)
    assert tuple(layer.contrast_limits) == (-520, 279)
    assert grey() == pytest.approx(255 * 560 / 799, abs=2)
    click(widget.undo)
    click(widget.undo)  # each drag is one step
    assert numbers(widget) == (400, 40)
    assert not widget.undo.enabled
    click(widget.windows, "Bone")
    assert numbers(widget) == (1000, 400)
    assert grey() == pytest.approx(255 * 140 / 999, abs=2)
    click(widget.inverted)
    assert grey() == pytest.approx(255 - 255 * 140 / 999, abs=2)
    click(widget.undo)
    click(widget.right_drag)
    assert drag(viewer, 150, 60)
    assert numbers(widget) == (1000, 400)


def test_pyramids_have_windows_too(qtbot, viewer, widget, click):
    fine = np.zeros((4, 64, 64), np.int16)
    fine[:, :32], fine[2, 41, 41] = 100, 3000
    levels = [fine, fine[:, ::2, ::2], fine[:, ::4, ::4]]
    layer = viewer.add_image(
        levels, multiscale=True, contrast_limits=(0, 50), metadata={"value_unit": "HU"}
    )
    wait_until_idle()
    click(widget.windows, "Abdomen")
    assert tuple(layer.contrast_limits) == (-135, 214)
    assert not drag(viewer, 0, -60)
    assert numbers(widget) == (350, 110)
    click(widget.run)
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    assert tuple(layer.contrast_limits) == (0, 3000)  # of the finest
    click(widget.percentiles)
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    assert tuple(layer.contrast_limits) == (0, 100)
    click(widget.as_opened)
    assert tuple(layer.contrast_limits) == (0, 50)


def test_napari_keeps_its_zoom_where_no_image_is_dragged(viewer, widget, tmp_path):
    (layer,) = viewer.open(dicom(tmp_path), plugin="napari-medread")
    limits = tuple(layer.contrast_limits)
    points = viewer.add_points(np.zeros((1, 3)))
    wait_until_idle()
    assert drag(viewer, 50, 50)
    assert widget.layer.value is layer  # still shown, and set by number
    viewer.layers.selection = {layer, points}
    assert not drag(viewer, 0, 50)
    assert tuple(layer.contrast_limits) != limits
    layer.contrast_limits = limits
    viewer.layers.selection = {layer}
    layer.visible = False
    assert drag(viewer, 50, 50)
    layer.visible = True
    assert not drag(viewer, 40, 40, Qt.MouseButton.RightButton)
    layer.contrast_limits = limits
    assert drag(viewer, 40, 40, Qt.MouseButton.LeftButton)  # pans
    viewer.dims.ndisplay = 3
    wait_until_idle()
    assert "In 3D, the right button zooms." in widget.outcome.value
    assert drag(viewer, 50, 50)
    assert tuple(layer.contrast_limits) == limits
    viewer.dims.ndisplay = 2
    viewer.window.remove_dock_widget(widget.native)
    wait_until_idle()
    assert drag(viewer, 50, 50)
    assert tuple(layer.contrast_limits) == limits


def test_inverted(viewer, widget, click, tmp_path):
    folder = dicom(tmp_path, PhotometricInterpretation="MONOCHROME1")
    (xray,) = viewer.open(folder, plugin="napari-medread")
    values = np.array(xray.data)
    assert xray.colormap.name == "gray_r"
    assert widget.inverted.value
    center = widget.numbers.boxes["center"].value
    assert not drag(viewer, 0, 30)
    assert widget.numbers.boxes["center"].value > center  # up is brighter here too
    click(widget.inverted)
    assert xray.colormap.name == "gray"
    click(widget.as_opened)
    assert xray.colormap.name == "gray_r"
    assert widget.inverted.value
    xray.colormap = "viridis"
    assert not widget.inverted.value
    expected = xray.colormap.map(np.linspace(0, 1, 7))[::-1]
    click(widget.inverted)
    assert xray.colormap.name == "viridis_r"
    np.testing.assert_allclose(xray.colormap.map(np.linspace(0, 1, 7)), expected, atol=1e-6)
    click(widget.undo)
    assert xray.colormap.name == "viridis"
    steps = Colormap([[1, 0, 0], [0, 1, 0], [0, 0, 1]], name="steps", interpolation="zero",
                     controls=[0, 0.1, 0.7, 1])  # fmt: skip
    xray.colormap = steps
    click(widget.inverted)
    np.testing.assert_allclose(xray.colormap.map([0.2, 0.5, 0.95])[:, :3], np.eye(3)[::-1])
    click(widget.inverted)
    assert xray.colormap.name == "steps"
    np.testing.assert_array_equal(xray.data, values)


def test_selected_layers_of_one_unit_are_set_together(viewer, widget, click):
    (first,) = viewer.open_sample("napari-medread", "ct_thorax")
    (second,) = viewer.open_sample("napari-medread", "ct_thorax")
    third = viewer.add_image(np.zeros((4, 5, 6)), name="uptake", metadata={"value_unit": "Bq/ml"})
    assert widget.layer.value is third
    assert widget.numbers.boxes["lower"].native.suffix() == " Bq/ml"
    assert not widget.windows.native.isVisible()
    was = tuple(second.contrast_limits), tuple(third.contrast_limits)
    viewer.layers.selection.active = first
    click(widget.windows, "Bone")
    assert tuple(first.contrast_limits) == (-100, 899)
    assert tuple(second.contrast_limits) == was[0]
    viewer.layers.selection = {first, second, third}
    assert widget.layer.value is first
    assert "Applies to 2 selected layers." in widget.outcome.value
    assert "Does not apply to uptake: the values have another unit." in widget.outcome.value
    click(widget.windows, "Lung")
    lung = -1200, 199
    assert tuple(first.contrast_limits) == tuple(second.contrast_limits) == lung
    assert not drag(viewer, 0, 60)
    assert tuple(first.contrast_limits) == tuple(second.contrast_limits) != lung
    assert tuple(third.contrast_limits) == was[1]
    click(widget.undo)
    click(widget.undo)
    assert tuple(second.contrast_limits) == was[0]
    assert tuple(first.contrast_limits) == (-100, 899)
    widget.layer.value = third  # chosen there, it becomes the active one
    viewer.layers.selection.active = second
    widget.layer.value = first
    assert viewer.layers.selection.active is first


def test_the_marked_window_is_set_for_those_that_have_another(viewer, widget, click, tmp_path):
    first, second = (viewer.open(dicom(tmp_path), plugin="napari-medread")[0] for _ in range(2))
    viewer.layers.selection = {first, second}
    widget.layer.value = first
    click(widget.windows, "File: LUNG")
    lung = list(first.contrast_limits)
    assert list(second.contrast_limits) == lung
    second.contrast_limits = (0, 500)
    click(widget.windows, "File: LUNG")
    assert list(second.contrast_limits) == lung
    click(widget.undo)  # one step
    assert list(second.contrast_limits) == [0, 500]
    assert list(first.contrast_limits) == lung


def test_fill_values_as_large_as_the_type_takes(viewer, widget, click):
    data = np.random.default_rng(0).random((4, 5, 6)).astype(np.float32)
    data[0, 0, 0] = largest = np.finfo(np.float32).max
    layer = viewer.add_image(data)
    assert widget.numbers.boxes["upper"].value == pytest.approx(float(largest), rel=1e-3)
    layer.contrast_limits = (0, 1)
    assert widget.numbers.boxes["upper"].value == 1
    viewer.add_image(np.array([[0, np.finfo(float).max]]))


def test_full_range_and_percentiles(qtbot, viewer, widget, click):
    data = np.random.default_rng(0).normal(0.5, 0.1, (3, 6, 40, 50)).astype(np.float32)
    data[2, 5, 1, 1], data[0, 0, 2, 3], data[1, 1, 1, 1] = 9.25, -3.5, np.nan
    layer = viewer.add_image(
        da.from_array(data, (1, 1, 40, 50)), contrast_limits=(0, 1), name="map"
    )
    assert "The unit of the values is not known" in widget.outcome.value
    assert widget.numbers.boxes["width"].native.text() == "1.000"
    assert widget.numbers.boxes["center"].native.singleStep() == pytest.approx(0.01)
    typed(widget.numbers.boxes["center"], 0.123)
    assert tuple(layer.contrast_limits) == pytest.approx((-0.377, 0.623))
    click(widget.run)
    assert not widget.percentiles.enabled
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    assert tuple(layer.contrast_limits) == (-3.5, 9.25)
    assert widget.run.enabled
    click(widget.percentiles)
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    expected = np.nanpercentile(data, (1, 99))
    np.testing.assert_allclose(layer.contrast_limits, expected, atol=0.01)
    click(widget.undo)
    assert tuple(layer.contrast_limits) == (-3.5, 9.25)
    click(widget.as_opened)
    assert tuple(layer.contrast_limits) == (0, 1)
    empty = viewer.add_image(np.full((4, 5), np.nan), contrast_limits=(0, 1))
    click(widget.run)
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    assert widget.message.value == "The layer has no finite values."
    assert tuple(empty.contrast_limits) == (0, 1)
    pyramid = viewer.add_image([data[0], data[0, :, ::2, ::2]], multiscale=True,
                               contrast_limits=(0, 1))  # fmt: skip
    click(widget.run)
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    np.testing.assert_allclose(pyramid.contrast_limits, (-3.5, data[0].max()))


def test_reading_a_lazy_layer_can_be_cancelled(qtbot, viewer, widget, click):
    import time

    def slowly(block):
        time.sleep(0.05)
        return block

    data = da.zeros((200, 20, 20), chunks=(1, 20, 20), dtype=np.int16).map_blocks(
        slowly, dtype=np.int16
    )
    layer = viewer.add_image(data, contrast_limits=(0, 100))
    click(widget.run)
    qtbot.waitUntil(lambda: widget.progress.value > 2, timeout=20000)
    assert widget.cancel.native.isVisible()
    click(widget.cancel)
    qtbot.waitUntil(lambda: widget._task is None, timeout=5000)
    assert widget.message.value == "Cancelled."
    assert tuple(layer.contrast_limits) == (0, 100)
    assert not widget.cancel.native.isVisible()
    assert widget.run.enabled
    click(widget.run)
    viewer.layers.clear()  # gone before it is done, which ends it
    qtbot.waitUntil(lambda: widget._task is None, timeout=5000)


def test_layers_come_and_go(viewer, widget):
    assert widget.outcome.value == "Open an image first."
    assert not widget.numbers.boxes["width"].enabled
    assert not widget.run.enabled
    assert drag(viewer, 10, 10)
    viewer.open_sample("napari-medread", "chest_section")
    assert "a colour picture has no window" in widget.outcome.value
    assert not widget.inverted.enabled
    assert drag(viewer, 10, 10)
    layer = viewer.add_image(np.arange(120, dtype=np.uint8).reshape(10, 12), name="plain")
    assert widget.layer.value is layer
    assert widget.numbers.boxes["width"].enabled
    assert widget.numbers.boxes["width"].native.suffix() == ""
    layer.name = "other"
    assert widget.layer.current_choice == "other"
    typed(widget.numbers.boxes["center"], 10)
    viewer.layers.remove(layer)
    assert "a colour picture" in widget.outcome.value
    viewer.layers.clear()
    assert widget.outcome.value == "Open an image first."
    assert not widget.undo.enabled


def test_two_viewers_have_nothing_to_do_with_each_other(
    viewer, widget, make_napari_viewer, tmp_path
):
    other = make_napari_viewer(show=True)
    second = opened(other, *MENU)
    folder = dicom(tmp_path)
    (here,) = viewer.open(folder, plugin="napari-medread")
    (there,) = other.open(folder, plugin="napari-medread")
    typed(second.numbers.boxes["width"], 100)
    assert numbers(widget) == (400, 40)
    assert not drag(other, 0, 30)
    assert tuple(here.contrast_limits) == (-160, 239)
    assert tuple(there.contrast_limits) != (-9, 89)


def test_it_keeps_nothing_alive_and_opens_again(qtbot, viewer, widget, click):
    layer = viewer.add_image(np.arange(60.0).reshape(3, 4, 5), name="scan")
    click(widget.windows, "Bone")
    drag(viewer, 10, 10)
    gone = [weakref.ref(layer), weakref.ref(layer.data)]
    del layer
    viewer.layers.clear()
    wait_until_idle()
    gc.collect()
    assert [ref() for ref in gone] == [None, None]
    assert not widget.undo.enabled
    panel = weakref.ref(widget)
    viewer.window.remove_dock_widget(widget.native)
    del widget
    viewer.add_image(np.zeros((4, 5)))
    again = opened(viewer, *MENU)
    assert again is not panel()
    assert again.numbers.boxes["width"].enabled


def test_it_keeps_no_viewer_alive(make_napari_viewer, collected):
    def used():
        viewer = make_napari_viewer()
        panel = opened(viewer, *MENU)
        viewer.add_image(np.arange(60.0).reshape(3, 4, 5))
        panel.windows.native.setCurrentRow(2)
        panel.undo.native.click()
        viewer.close()
        return weakref.ref(viewer)

    collected(used())


def test_closed_it_is_gone_and_takes_its_drag_along(qtbot, viewer):
    layer = viewer.add_image(np.zeros((4, 5)))
    before = list(viewer.mouse_drag_callbacks)
    for _ in range(3):  # the garbage collector crashes, now and then, on what Qt has not deleted
        widget = opened(viewer, *MENU)
        assert len(viewer.mouse_drag_callbacks) == len(before) + 1
        panel = weakref.ref(widget)
        viewer.window.remove_dock_widget(widget.native)
        wait_until_idle()
        layer.name = "still followed by nobody"
        layer.contrast_limits = 0, 2
        viewer.layers.selection.clear()
        del widget
        gc.collect()
        assert panel() is None
        assert viewer.mouse_drag_callbacks == before


def test_the_preference_says_how_it_begins(viewer):
    from napari.settings import get_plugin_settings

    settings = get_plugin_settings(PLUGIN_NAME)
    settings.windowing.right_drag = False
    try:
        widget = opened(viewer, *MENU)
        assert not widget.right_drag.value
        viewer.open_sample("napari-medread", "ct_thorax")
        wait_until_idle()
        assert drag(viewer, 50, 50)
        assert numbers(widget) == (400, 40)
    finally:
        settings.windowing.right_drag = True
