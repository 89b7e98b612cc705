"""Three planes at once, by real clicks and pixels in a real viewer."""

import gc
import itertools
import threading
import warnings
import weakref

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels
from napari.qt import QtViewer
from napari.utils import progress
from qtpy.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication

from helpers import mouse
from helpers.idle import wait_until_idle
from helpers.menus import action, opened
from helpers.scans import AXIAL, CORONAL, OBLIQUE, SAGITTAL, SCANS
from napari_medread.core.rendering_presets import CT_RENDERING_PRESETS
from napari_medread.plugin.planes.orthogonal.crosshair import PLANE_COLOURS
from napari_medread.plugin.rendering.rendering_session import get_rendering_session

ORDERS = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
LETTERS = {
    "axial": ["A", "P", "R", "L"],
    "coronal": ["S", "I", "R", "L"],
    "sagittal": ["S", "I", "A", "P"],
}
"""Of a scan along the patient's axes: top, bottom, left, right."""


@pytest.fixture
def viewer(make_napari_viewer):
    """Return a viewer of its own: its window is divided, and what was drawn in it goes with it."""
    return make_napari_viewer(show=True)


@pytest.fixture
def widget(viewer):
    viewer.window.resize(1100, 700)
    return opened(viewer, "Layers", "Visualize", "Planes and slices")


@pytest.fixture
def planes(qtbot, viewer, widget):
    """Tick the box, and wait until all canvases are there; unless a test holds a layer back."""

    def switched(count=2, *, is_held_back=False):
        if is_held_back:
            widget.three_planes.native.click()
            qtbot.waitUntil(lambda: len(canvases(widget)) == count, timeout=10_000)
        else:
            tick(qtbot, widget.three_planes)
            wait(qtbot, widget, count)
        return canvases(widget)

    return switched


def tick(qtbot, box):
    before = box.value
    box.native.click()
    assert box.value != before
    wait_until_idle()


def canvases(widget):
    return widget.tools.orthogonal_views.canvases


def wait(qtbot, widget, count):
    """Wait until there are so many canvases, and nothing moves any more."""
    qtbot.waitUntil(lambda: len(canvases(widget)) == count, timeout=10_000)
    wait_until_idle()


def named(viewer):
    """Return the plane that a canvas says it shows."""
    title = viewer.canvas.overlays.get("plane_shown")
    return title.text.lower() if title is not None and title.visible else None


def letters(viewer):
    overlays = viewer.canvas.overlays
    return [overlays[f"patient_{edge}"].text for edge in ("top", "bottom", "left", "right")]


def said_by(canvas):
    """Return which slice a canvas says it shows."""
    return canvas.model.canvas.overlays["slice_shown"].text


def native(canvas):
    return canvas.qt_viewer.canvas.native


def pixel_of(canvas, world, dims):
    """Return the pixel of a canvas that shows a place."""
    down, right = dims.displayed
    transform = canvas.view.transform * canvas.view.scene.transform
    x, y = transform.map([world[right], world[down], 0, 1])[:2]
    return x, y


def test_the_other_two_planes_are_seen_as_in_a_reading_room(qtbot, viewer, widget, planes):
    viewer.add_layer(AXIAL.layer())
    found = planes()
    for scan in (AXIAL, SCANS["from head"], SAGITTAL, CORONAL):
        viewer.add_layer(scan.layer())
        del viewer.layers[0]
        qtbot.waitUntil(lambda: all(letters(each.model)[0] for each in found))
        assert named(viewer) == "axial"
        for each, name in zip(found, ("coronal", "sagittal"), strict=True):
            assert named(each.model) == name
            assert each.model.dims.order == ORDERS[name]
            assert letters(each.model) == LETTERS[name]
            assert native(each).isVisible()


def test_names_of_planes_are_readable_in_both_themes(viewer, widget, planes):
    viewer.add_layer(AXIAL.layer())
    planes()
    for theme in ("light", "dark"):
        viewer.theme = theme
        wait_until_idle()
        for model in (viewer, *(each.model for each in canvases(widget))):
            title, background = model.canvas.overlays["plane_shown"], model.canvas.background_color
            assert title.box_color is None  # that of the canvas
            levels = sorted(luminance(colour) for colour in (title.color, background))
            assert (levels[1] + 0.05) / (levels[0] + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


def luminance(colour):
    """Return the relative luminance of a colour as WCAG defines it."""
    rgb = np.array(colour[:3], dtype=float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


def test_every_pixel_is_the_voxel_that_lies_there(qtbot, viewer, widget, planes):
    """A bright cube is seen where the standard's equation and the letters want it."""
    layer = viewer.add_layer(SCANS["from head"].layer())
    scan = SCANS["from head"]
    data = np.zeros(layer.data.shape, np.uint8)
    index = (6, 4, 11)
    place, middle = scan.place(layer.data[index]), scan.place(layer.data[4, 10, 8])
    data[index[0] - 1 : index[0] + 2, index[1] - 1 : index[1] + 2, index[2] - 1 : index[2] + 2] = (
        255
    )
    layer.data, layer.contrast_limits = data, (0, 255)
    viewer.dims.point = layer.data_to_world(index)
    widget.letters.value = widget.slice_number.value = False
    sides = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
    for canvas in planes():
        canvas._crosshair._lines.visible = canvas._crosshair._title.visible = False
        wait_until_idle()
        picture = canvas.qt_viewer.screenshot(flash=False)[..., 0].astype(int)
        at = np.argwhere(picture > 200)
        height, width = picture.shape
        middle_row, middle_column = np.array(pixel_of_voxel(canvas, layer, (4, 10, 8)))[::-1]
        top, bottom, left, right = LETTERS[named_by_order(canvas)]
        del top, left
        for edge, shift in (
            (bottom, at[:, 0].mean() - middle_row),
            (right, at[:, 1].mean() - middle_column),
        ):
            axis, sign = sides[edge]
            assert np.sign(shift) == np.sign(place[axis] - middle[axis]) * sign
        # To scale, in mm.
        size = 3 * np.abs(layer.scale)[list(canvas.model.dims.displayed)]
        pixels = size * canvas.model.scene.camera.zoom
        assert np.ptp(at, axis=0) + 1 == pytest.approx(pixels, abs=1)
        assert 0 < at[:, 0].min() < at[:, 0].max() < height
        assert 0 < at[:, 1].min() < at[:, 1].max() < width


def named_by_order(canvas):
    return next(name for name, order in ORDERS.items() if order == canvas.model.dims.order)


def pixel_of_voxel(canvas, layer, index):
    return pixel_of(canvas.qt_viewer.canvas, layer.data_to_world(index), canvas.model.dims)


def test_the_crosshair_is_where_the_other_planes_are(qtbot, viewer, widget, planes):
    """By the pixels of each canvas: lines in the colours of the planes that they stand for."""
    layer = viewer.add_layer(AXIAL.layer(np.ones(AXIAL.shape, np.uint8)))
    layer.contrast_limits = (0, 10)
    widget.letters.value = widget.slice_number.value = False
    found = planes()
    viewer.dims.point = layer.data_to_world((2, 5, 7))
    wait_until_idle()
    shown = [(viewer, viewer.window._qt_viewer)]
    shown += [(each.model, each.qt_viewer) for each in found]
    across = {"axial": ("coronal", "sagittal"), "coronal": ("axial", "sagittal")}
    across["sagittal"] = ("axial", "coronal")
    for model, window in shown:
        picture = window.screenshot(flash=False)[..., :3].astype(int)
        x, y = pixel_of(window.canvas, viewer.dims.point, model.dims)
        level, upright = across[named(model)]
        rows, columns = (lines(picture, PLANE_COLOURS[each]) for each in (level, upright))
        assert rows[0] == pytest.approx(y, abs=1.5)
        assert columns[1] == pytest.approx(x, abs=1.5)
        # What they cross stays free.
        around = picture[int(y) - 5 : int(y) + 6, int(x) - 5 : int(x) + 6]
        assert np.ptp(around) < 30


def lines(picture, color):
    """Return the row and column in which most pixels have a colour."""
    wanted = np.array([int(color[n : n + 2], 16) for n in (1, 3, 5)])
    is_line = np.abs(picture - wanted).max(axis=-1) < 60
    return int(is_line.sum(axis=1).argmax()), int(is_line.sum(axis=0).argmax())


def test_a_click_sends_all_planes_there(qtbot, viewer, widget, planes):
    layer = viewer.add_layer(AXIAL.layer())
    coronal, sagittal = planes()
    for canvas, model, index in (
        (viewer.window._qt_viewer.canvas, viewer, (4, 3, 12)),
        (coronal.qt_viewer.canvas, coronal.model, (7, 3, 2)),
        (sagittal.qt_viewer.canvas, sagittal.model, (1, 15, 2)),
    ):
        world = layer.data_to_world(index)
        at = pixel_of(canvas, world, model.dims)
        before = viewer.dims.point
        mouse.drag(canvas.native, at, (at[0] + 10, at[1] + 6), (at[0] + 10, at[1] + 6))
        assert viewer.dims.point == before
        wait_until_idle()
        panned = pixel_of(canvas, world, model.dims)
        assert panned != pytest.approx(at, abs=2)
        mouse.drag(canvas.native, panned)
        sliced = model.dims.order[0]
        for axis in {0, 1, 2} - {sliced}:
            step = abs(layer.scale[axis])
            assert viewer.dims.point[axis] == pytest.approx(world[axis], abs=step)
        for each in (coronal, sagittal):
            assert each.model.dims.point == pytest.approx(viewer.dims.point)
        shown = np.rint(layer.world_to_data(viewer.dims.point)).astype(int)
        for each, axis in ((coronal, 1), (sagittal, 2)):
            said = f"Slice {shown[axis] + 1} of {layer.data.shape[axis]}\n"
            qtbot.waitUntil(lambda each=each, said=said: said_by(each).startswith(said))


def test_with_shift_the_crosshair_follows_the_mouse(qtbot, viewer, widget, planes):
    layer = viewer.add_layer(AXIAL.layer())
    _, sagittal = planes()
    start, end = (
        pixel_of(sagittal.qt_viewer.canvas, layer.data_to_world(each), sagittal.model.dims)
        for each in ((2, 5, 8), (6, 12, 8))
    )
    passed = []
    viewer.dims.events.point.connect(lambda event: passed.append(event.value))
    center = sagittal.model.scene.camera.center
    middle = tuple((np.array(start) + end) / 2)
    mouse.drag(native(sagittal), start, middle, middle, end, end, keys=("Shift",))
    world = layer.data_to_world((6, 12, 8))
    assert np.array(viewer.dims.point[:2]) == pytest.approx(world[:2], abs=1)
    assert len(passed) >= 2
    assert sagittal.model.scene.camera.center == center


def test_where_one_draws_the_mouse_draws(qtbot, viewer, widget, planes):
    layer = viewer.add_layer(AXIAL.layer())
    labels = viewer.add_labels(
        np.zeros(layer.data.shape, np.uint8),
        scale=layer.scale, translate=layer.translate, affine=layer.affine, units="mm",
    )  # fmt: skip
    coronal, _ = planes()
    labels.mode, labels.brush_size, labels.selected_label = "paint", 3, 2
    before = viewer.dims.point
    main = viewer.window._qt_viewer.canvas
    mouse.drag(main.native, pixel_of(main, layer.data_to_world((4, 6, 6)), viewer.dims))
    assert viewer.dims.point == before
    assert labels.data.max() == 2
    # What was drawn is seen in the other planes, and what is taken back is not.
    index = np.argwhere(labels.data == 2)[0]
    mouse.drag(native(coronal), pixel_of_voxel(coronal, layer, index))
    wait_until_idle()
    viewer.dims.point = layer.data_to_world(index)
    copied = coronal.model.layers[1]

    def painted():
        return int((np.asarray(copied._slice.image.raw) > 0).sum())

    assert painted() == (labels.data[:, index[1]] > 0).sum() > 0
    labels.undo()
    qtbot.waitUntil(lambda: painted() == 0)
    labels.fill(tuple(index), 3)
    qtbot.waitUntil(lambda: painted() == labels.data[:, index[1]].astype(bool).sum())


def test_the_wheel_and_the_readout_work_over_each_canvas(qtbot, viewer, widget, planes):
    layer = viewer.add_layer(AXIAL.layer())
    coronal, sagittal = planes()
    index = np.rint(layer.world_to_data(viewer.dims.point)).astype(int)
    number = int(said_by(coronal).split()[1])
    mouse.turn(native(coronal), -1)
    mouse.turn(native(coronal), -1)
    qtbot.waitUntil(lambda: f"Slice {number + 2} of 20" in said_by(coronal))
    moved = np.rint(layer.world_to_data(viewer.dims.point)).astype(int) - index
    assert list(np.abs(moved)) == [0, 2, 0]
    mouse.turn(native(sagittal), 1, "Alt")
    qtbot.waitUntil(lambda: "Slice 1 of 16" in said_by(sagittal))
    at = pixel_of_voxel(coronal, layer, (3, 0, 4))
    mouse.move(native(coronal), at)
    row = np.rint(layer.world_to_data(viewer.dims.point)).astype(int)[1]
    qtbot.waitUntil(lambda: widget.value.value == f"{layer.data[3, row, 4]} HU")
    place = AXIAL.place(layer.data[3, row, 4])
    said = widget.position.value.split()
    assert said[0] == ("L" if place[0] > 0 else "R")
    assert float(said[1]) == pytest.approx(abs(place[0]), abs=1.1)
    assert float(said[5]) == pytest.approx(abs(place[2]), abs=2.1)
    for kind in (QEvent.Type.Enter, QEvent.Type.Leave):
        QApplication.sendEvent(native(coronal), QEvent(kind))
    qtbot.waitUntil(lambda: (widget.value.value, widget.position.value) == ("–", "–"))
    mouse.move(native(coronal), (at[0] + 1, at[1]))
    qtbot.waitUntil(lambda: widget.value.value.endswith(" HU"))
    mouse.move(viewer.window._qt_viewer.canvas.native, (3, 3))
    qtbot.waitUntil(lambda: widget.value.value == "–")
    tick(qtbot, widget.letters)
    assert not coronal.model.canvas.overlays["patient_top"].visible
    tick(qtbot, widget.wheel)
    before = viewer.dims.point
    mouse.turn(native(coronal), -1)
    assert viewer.dims.point == before
    mouse.move(native(coronal), at)
    qtbot.waitUntil(lambda: widget.value.value.endswith(" HU"))
    tick(qtbot, widget.three_planes)  # the canvas under the cursor is closed
    assert (widget.value.value, widget.position.value) == ("–", "–")


def test_the_right_button_changes_the_window_there_too(qtbot, viewer, widget, planes):
    layer = viewer.add_layer(AXIAL.layer())
    panel = opened(viewer, "Layers", "Visualize", "Window and level")
    if not panel.right_drag.value:
        tick(qtbot, panel.right_drag)
    coronal, sagittal = planes()
    before, zoom = layer.contrast_limits, coronal.model.scene.camera.zoom
    mouse.drag(native(coronal), (80, 80), (120, 80), (160, 80), button=mouse.RIGHT)
    wait_until_idle()
    assert np.ptp(layer.contrast_limits) > np.ptp(before)
    assert coronal.model.scene.camera.zoom == zoom
    for each in (coronal, sagittal):
        assert each.model.layers[0].contrast_limits == layer.contrast_limits


def test_another_plane_in_the_window_and_3d(qtbot, viewer, widget, planes):
    layer = viewer.add_layer(AXIAL.layer())
    viewer.dims.point = point = layer.data_to_world((2, 5, 7))
    planes()
    widget.planes["sagittal"].native.click()
    wait_until_idle()
    assert [named(each.model) for each in canvases(widget)] == ["axial", "coronal"]
    assert viewer.dims.point == pytest.approx(point)
    viewer.dims.ndisplay = 3
    wait(qtbot, widget, 3)
    found = canvases(widget)
    assert [named(each.model) for each in found] == ["axial", "coronal", "sagittal"]
    assert named(viewer) is None
    for each in found:
        assert each.model.dims.point == pytest.approx(point)
    # How a volume is rendered says nothing of slices.
    layer.colormap, layer.contrast_limits = "magma", (5, 50)
    assert found[0].model.layers[0].colormap.name == "gray"
    # Where a click beside 3D has led, 2D goes on.
    place = layer.data_to_world((6, 9, 7))
    mouse.drag(native(found[2]), pixel_of_voxel(found[2], layer, (6, 9, 7)))
    assert found[0].model.dims.point[:2] == pytest.approx(place[:2], abs=1.6)
    there = found[0].model.dims.point
    widget.planes["coronal"].native.click()
    wait(qtbot, widget, 2)
    assert viewer.dims.point == pytest.approx(there)
    assert [named(each.model) for each in canvases(widget)] == ["axial", "sagittal"]
    assert canvases(widget)[0].model.layers[0].colormap.name == "magma"
    assert canvases(widget)[0].model.layers[0].contrast_limits == [5, 50]


def test_slices_keep_their_look_beside_a_volume_that_was_rendered_first(viewer, widget, planes):
    layer = viewer.add_layer(AXIAL.layer())
    before = layer.contrast_limits, layer.colormap.name
    get_rendering_session(viewer).render(layer, CT_RENDERING_PRESETS[0])
    assert viewer.dims.ndisplay == 3
    assert (layer.contrast_limits, layer.colormap.name) != before
    for each in planes(3):
        copied = each.model.layers[0]
        assert (copied.contrast_limits, copied.colormap.name) == before


def test_oblique_layers_are_straight_beside_patient_space(qtbot, viewer, widget, planes):
    layer = viewer.add_layer(OBLIQUE.layer())
    viewer.dims.point = point = layer.data_to_world((2, 5, 7))
    straight = np.array(layer.affine.affine_matrix)
    tick(qtbot, widget.patient_space)
    viewer.dims.ndisplay = 3
    assert not np.allclose(layer.affine.affine_matrix, straight)
    planes(3)
    axial = canvases(widget)[0]
    for each in canvases(widget):
        np.testing.assert_allclose(each.model.layers[0].affine.affine_matrix, straight, atol=1e-9)
    tick(qtbot, widget.patient_space)
    tick(qtbot, widget.patient_space)  # moved while the planes are there
    assert not np.allclose(layer.affine.affine_matrix, straight)
    copied = axial.model.layers[0]
    np.testing.assert_allclose(copied.affine.affine_matrix, straight, atol=1e-9)
    axial.model.dims.point = point
    viewer.dims.ndisplay = 2
    wait(qtbot, widget, 2)
    np.testing.assert_array_equal(layer.affine.affine_matrix, straight)
    assert viewer.dims.point == pytest.approx(point)


def test_the_point_of_2d_is_kept_beside_patient_space(qtbot, viewer, widget, planes):
    layer = viewer.add_layer(OBLIQUE.layer())
    viewer.dims.point = point = layer.data_to_world((5, 18, 14))
    place = layer.data_to_world((4, 3, 2))
    tick(qtbot, widget.patient_space)
    viewer.dims.ndisplay = 3
    planes(3)
    for each in canvases(widget):
        assert each.model.dims.point == pytest.approx(point)
    # And where the crosshair has led, once they are closed.
    canvases(widget)[0].model.dims.point = place
    wait_until_idle()
    tick(qtbot, widget.three_planes)
    viewer.dims.ndisplay = 2
    wait_until_idle()
    assert viewer.dims.point == pytest.approx(place)


def test_layers_are_the_same_everywhere(qtbot, viewer, widget, planes):
    first = viewer.add_layer(AXIAL.layer())
    coronal, _ = planes()
    copies = coronal.model.layers
    second = viewer.add_image(np.zeros((4, 5, 6)), name="no metadata")
    points = viewer.add_points([[1, 2, 3]], name="points")
    shapes = viewer.add_shapes([np.array([[1, 2, 3], [1, 4, 5]])], shape_type="line")
    assert [each.name for each in copies] == [each.name for each in viewer.layers]
    assert copies[0].data is first.data
    first.name, first.opacity, first.colormap, first.gamma = "renamed", 0.5, "bone", 2.0
    first.contrast_limits, second.visible = (3, 99), False
    second.scale, second.translate = (2, 3, 4), (1, 1, 1)
    assert (copies[0].name, copies[0].opacity, copies[0].gamma) == ("renamed", 0.5, 2.0)
    assert (copies[0].colormap.name, copies[0].contrast_limits) == ("bone", [3, 99])
    assert not copies[1].visible
    np.testing.assert_array_equal(copies[1].scale, (2, 3, 4))
    np.testing.assert_array_equal(copies[1].translate, (1, 1, 1))
    points.add([[2, 2, 2]])
    qtbot.waitUntil(lambda: len(copies[2].data) == 2)
    shapes.add([np.array([[0, 0, 0], [1, 1, 1]])], shape_type="line")
    qtbot.waitUntil(lambda: copies[3].nshapes == 2)
    points.visible = False
    qtbot.waitUntil(lambda: not copies[2].visible)
    second.data = np.ones((4, 5, 6))
    np.testing.assert_array_equal(copies[1].data, np.ones((4, 5, 6)))
    second.data[:] = 7
    second.visible = True
    second.refresh()
    coronal.model.dims.point = second.data_to_world((1, 1, 1))
    qtbot.waitUntil(lambda: copies[1].get_value((1 * 2 + 1, 4, 5), world=True) == 7)
    viewer.layers.move(0, 4)
    assert [each.name for each in copies] == [each.name for each in viewer.layers]
    viewer.layers.selection.active = second
    assert copies.selection.active is copies[0]
    viewer.layers.remove(second)
    assert [each.name for each in copies] == [each.name for each in viewer.layers]
    viewer.layers.clear()
    assert not copies
    qtbot.waitUntil(lambda: not canvases(widget))


def test_removed_layers_are_let_go(qtbot, viewer, widget, planes):
    viewer.add_layer(AXIAL.layer())
    planes()

    def removed(kind):
        layer = viewer.add_layer(kind(np.zeros((4, 5, 6), int)))
        wait_until_idle()
        assert len(canvases(widget)[0].model.layers) == 2
        viewer.layers.remove(layer)
        return weakref.ref(layer), weakref.ref(layer.data)

    for kind in (Image, Labels):
        gone = removed(kind)
        wait_until_idle()  # napari's controls go later
        gc.collect()
        assert [each() for each in gone] == [None, None]
        assert len(canvases(widget)[0].model.layers) == 1


def test_the_menu_opens_the_panel_and_the_planes(qtbot, viewer):
    viewer.window.resize(900, 500)
    viewer.add_layer(AXIAL.layer())
    for _ in range(2):
        action(viewer, "Layers", "Visualize", "Show three planes").trigger()
        _, widget = viewer.window.add_plugin_dock_widget("napari-medread", "Planes and slices")
        wait(qtbot, widget, 2)
        assert widget.three_planes.value


def test_what_is_undone_first_is_seen_at_once(qtbot, viewer, widget, planes):
    labels = viewer.add_labels(np.zeros((6, 20, 16), np.uint8), name="labels")
    labels.data_setitem(tuple(np.array([[2], [3], [4]])), 5)
    coronal, _ = planes()
    coronal.model.dims.point = (2.0, 3.0, 4.0)
    assert np.asarray(coronal.model.layers[0]._slice.image.raw).max() == 5
    labels.undo()
    qtbot.waitUntil(lambda: not np.asarray(coronal.model.layers[0]._slice.image.raw).any())


def test_nothing_beside_pictures_and_empty_viewers(qtbot, viewer, widget, planes):
    planes(0)
    assert not widget.tools.orthogonal_views._column.isVisible()
    viewer.add_image(np.zeros((20, 30)), name="picture")
    wait_until_idle()
    assert not canvases(widget)
    layer = viewer.add_layer(AXIAL.layer())
    wait(qtbot, widget, 2)
    assert all(native(each).isVisible() for each in canvases(widget))
    viewer.layers.remove(layer)
    wait(qtbot, widget, 0)
    assert not widget.tools.orthogonal_views._column.isVisible()


def test_time_is_the_same_everywhere(qtbot, viewer, widget, planes):
    data = np.stack([np.full((4, 5, 6), n, np.uint8) for n in range(3)])
    layer = viewer.add_image(data, contrast_limits=(0, 3))
    coronal, sagittal = planes()
    assert coronal.model.dims.order == (0, 2, 1, 3)
    viewer.dims.set_point(0, 2)
    for each in (coronal, sagittal):
        assert np.asarray(each.model.layers[0]._slice.image.raw).max() == 2
    viewer.dims.ndisplay = 3
    wait(qtbot, widget, 3)
    viewer.dims.set_point(0, 1)
    for each in canvases(widget):
        assert np.asarray(each.model.layers[0]._slice.image.raw).max() == 1
        assert each.model.layers[0].data is layer.data


def lazy(frames, reads, gate):
    """Return an image of which every slice that is read is written down, once it may be."""

    def block(block_info):
        where = tuple(each[0] for each in block_info[None]["array-location"])
        gate.wait(20)
        reads.append(where[:2])
        return np.full((1, 1, 8, 9), where[0] * 10 + where[1], np.uint8)

    data = da.map_blocks(
        block, chunks=((1,) * frames, (1,) * 6, (8,), (9,)), dtype=np.uint8, meta=np.array(())
    )
    return Image(data, contrast_limits=(0, 60), name="lazy")


def test_lazy_layers_are_read_beside_the_window(qtbot, viewer, widget, planes):
    reads, gate = [], threading.Event()
    gate.set()
    layer = viewer.add_layer(lazy(3, reads, gate))
    reads.clear()
    gate.clear()
    coronal, _ = planes(is_held_back=True)
    assert not coronal.model.layers  # it would have to be read here and now
    gate.set()

    def check(frame):
        qtbot.waitUntil(lambda: len(coronal.model.layers) == 1, timeout=10_000)
        qtbot.waitUntil(lambda: coronal.model.dims.order == (0, 2, 1, 3))
        shown = np.asarray(coronal.model.layers[0]._slice.image.raw)
        np.testing.assert_array_equal(shown, np.repeat(frame * 10 + np.arange(6), 9).reshape(6, 9))

    check(1)  # in the middle
    assert sorted(reads) == [(1, n) for n in range(6)]  # once, whatever is cut since
    reads.clear()
    viewer.dims.set_point(0, 2)
    assert not coronal.model.layers  # never a frame that is not this one
    check(2)
    assert set(reads) == {(2, n) for n in range(6)}
    assert len(reads) == 6 + 1  # the window's own slice
    assert layer.data.shape == (3, 6, 8, 9)


def test_reading_can_be_cancelled_and_asked_for_again(qtbot, viewer, widget, planes):
    reads, gate = [], threading.Event()
    gate.set()
    viewer.add_layer(lazy(2, reads, gate))
    gate.clear()
    planes(is_held_back=True)
    qtbot.waitUntil(lambda: len(progress._all_instances) == 1, timeout=5_000)
    (bar,) = progress._all_instances
    assert bar.desc == "Loading lazy"
    bar.cancel()
    gate.set()
    qtbot.waitUntil(lambda: not progress._all_instances, timeout=10_000)
    qtbot.waitUntil(
        lambda: "lazy was not loaded, so the other planes do not show it" in widget.message.value
    )
    assert not any(each.model.layers for each in canvases(widget))
    wait_until_idle()
    told = []
    widget.tools.orthogonal_views.changed.connect(lambda: told.append(1))
    wait_until_idle()
    assert not told  # it does not go on looking for what will not come
    tick(qtbot, widget.three_planes)
    assert "lazy was not" not in widget.message.value
    planes()
    qtbot.waitUntil(lambda: all(each.model.layers for each in canvases(widget)), timeout=10_000)
    assert "lazy was not" not in widget.message.value


def test_drops_and_keys_go_to_the_window(qtbot, viewer, widget, planes, tmp_path):
    viewer.add_layer(AXIAL.layer())
    coronal, _ = planes()
    mouse.drag(native(coronal), (40, 40))
    assert native(coronal).focusPolicy() == Qt.FocusPolicy.NoFocus
    path = tmp_path / "labels.npy"
    np.save(path, np.zeros((3, 4, 5), np.float32))
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    at, copy, none = QPoint(20, 20), Qt.DropAction.CopyAction, mouse.held()
    with warnings.catch_warnings():  # only Qt itself can make this event without one
        warnings.simplefilter("ignore", DeprecationWarning)
        enter = QDragEnterEvent(at, copy, mime, mouse.LEFT, none)
    QApplication.sendEvent(native(coronal), enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(at), copy, mime, mouse.LEFT, none, QEvent.Type.Drop)
    QApplication.sendEvent(native(coronal), drop)
    assert [each.name for each in viewer.layers] == ["scan", "labels"]
    assert [each.name for each in coronal.model.layers] == ["scan", "labels"]


def test_what_is_seen_fits_its_room(qtbot, viewer, widget, planes):
    layer = viewer.add_layer(AXIAL.layer())
    wait_until_idle()  # the panel has taken its room
    viewer.reset_view()

    def zoom_of(model):
        extent = np.ptp(layer.extent.world, axis=0) + np.abs(layer.scale)
        size = extent[list(model.dims.displayed)]
        return 0.95 * min(np.array(model.canvas.size) / size)

    coronal, sagittal = planes()
    beside = viewer.scene.camera.zoom
    for model in (viewer, coronal.model, sagittal.model):
        assert model.scene.camera.zoom == pytest.approx(zoom_of(model), rel=0.02)
    sagittal.model.scene.camera.zoom *= 3  # by a person
    zoom = sagittal.model.scene.camera.zoom
    viewer.window.resize(1200, 800)
    wait_until_idle()
    assert coronal.model.scene.camera.zoom == pytest.approx(zoom_of(coronal.model), rel=0.02)
    assert sagittal.model.scene.camera.zoom == zoom
    tick(qtbot, widget.three_planes)
    wait_until_idle()
    assert viewer.scene.camera.zoom == pytest.approx(zoom_of(viewer), rel=0.02)
    assert viewer.scene.camera.zoom > 1.2 * beside


def test_each_plane_is_seen_in_a_small_window(qtbot, viewer, widget, planes):
    viewer.window.resize(900, 500)
    viewer.add_layer(AXIAL.layer(frames=3))
    # As wide as napari's controls are where colormaps have long names.
    viewer.window._qt_viewer.dockLayerControls.setMinimumWidth(420)
    viewer.dims.ndisplay = 3
    for each in planes(3):
        assert min(each.model.canvas.size) > 100
        assert_texts_are_apart(each)
    viewer.window._qt_viewer.dockLayerControls.setMinimumWidth(0)
    viewer.window.resize(1400, 900)
    wait_until_idle()
    for each in canvases(widget):
        assert_texts_are_apart(each)
        assert said_by(each).startswith("Slice ")
        assert said_by(each).replace("3\n", "3, ").endswith("Time 2 of 3, 2.5 s")


def assert_texts_are_apart(canvas):
    """Check that none of the texts of a canvas is drawn over another, or cut off."""
    height, width = canvas.model.canvas.size
    canvas.qt_viewer.screenshot(flash=False)  # napari places texts when it draws
    boxes = []
    for overlay, visuals in canvas.qt_viewer.canvas._viewer_overlay_to_visual.items():
        if overlay.visible and hasattr(overlay, "text"):
            (visual,) = visuals
            start = np.array(visual.node.transform.translate[:2])
            boxes.append((start, start + np.array([visual.x_size, visual.y_size])))
            assert (start >= 0).all()
            assert (boxes[-1][1] <= (width, height)).all()
    for (start, end), (other_start, other_end) in itertools.combinations(boxes, 2):
        assert (start >= other_end).any() or (other_start >= end).any()


def test_two_viewers_do_not_meddle(qtbot, make_napari_viewer, viewer, widget, planes):
    layer = viewer.add_layer(AXIAL.layer())
    other = make_napari_viewer(show=True)
    other.window.resize(900, 500)
    others = opened(other, "Layers", "Visualize", "Planes and slices")
    other.add_layer(SAGITTAL.layer())
    planes()
    tick(qtbot, others.three_planes)
    wait(qtbot, others, 2)
    point = other.dims.point
    mouse.drag(native(canvases(widget)[0]), pixel_of_voxel(canvases(widget)[0], layer, (2, 2, 2)))
    assert other.dims.point == point
    assert viewer.dims.point[2] == pytest.approx(layer.data_to_world((2, 2, 2))[2], abs=2)


def test_nothing_is_left_behind(qtbot, viewer):
    home = viewer.window._qt_viewer
    orientation, overlays = home.orientation(), set(viewer.canvas.overlays)
    drags = list(viewer.mouse_drag_callbacks)
    watched = [
        viewer.dims.events.order, viewer.dims.events.point, viewer.dims.events.ndisplay,
        viewer.layers.events, viewer.events.theme, viewer.canvas.events.size,
        viewer.events.reset_view, viewer.scene.camera.events.zoom,
    ]  # fmt: skip
    counts = [len(each.callbacks) for each in watched]
    children = len(home.canvas.view.scene.children)

    def used(closed_by):
        """Show and close the planes, and return what must be gone."""
        widget = opened(viewer, "Layers", "Visualize", "Planes and slices")
        layer = viewer.add_layer(AXIAL.layer())
        tick(qtbot, widget.three_planes)
        wait(qtbot, widget, 2)
        gone = [weakref.ref(layer), weakref.ref(layer.data)]
        gone += [weakref.ref(each.model) for each in canvases(widget)]
        gone += [weakref.ref(each.qt_viewer) for each in canvases(widget)]
        if closed_by == "tick":
            tick(qtbot, widget.three_planes)
        viewer.window.remove_dock_widget(widget.native)
        viewer.layers.clear()
        return gone

    for closed_by in ("tick", "panel"):
        gone = used(closed_by)
        wait_until_idle()
        gc.collect()
        assert [each() for each in gone] == [None] * len(gone)
        assert list(QtViewer._instances) == [home]
        assert home.orientation() == orientation
        assert set(viewer.canvas.overlays) == overlays
        assert list(viewer.mouse_drag_callbacks) == drags
        assert [len(each.callbacks) for each in watched] == counts
        assert len(home.canvas.view.scene.children) == children


def test_a_window_is_closed_with_its_planes(qtbot, make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    widget = opened(viewer, "Layers", "Visualize", "Planes and slices")
    viewer.add_layer(AXIAL.layer())
    tick(qtbot, widget.three_planes)
    wait(qtbot, widget, 2)
    del widget
    viewer.close()
    wait_until_idle()
    gc.collect()
    assert not QtViewer._instances
