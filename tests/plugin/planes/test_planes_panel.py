"""The planes widget, by real clicks, keys, turns of the wheel and pixels in a real viewer."""

import gc
import itertools
import weakref
from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Layer
from qtpy.QtCore import QEvent, QPoint, Qt
from qtpy.QtWidgets import QApplication

from helpers import mouse
from helpers.idle import wait_until_idle
from helpers.menus import action
from helpers.scans import AXIAL, CORONAL, OBLIQUE, SAGITTAL, SCANS
from napari_medread.core.volume import Axis, Volume
from napari_medread.plugin.bridge.volume_to_layer import to_layer
from napari_medread.plugin.planes.navigation.plane_switching import AS_ACQUIRED, PLANE_KEYS

PLANES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
"""Sliced, down, right."""

LETTERS = np.array(["R", "L"]), np.array(["A", "P"]), np.array(["I", "S"])
"""Of the negative and positive sides of x, y and z in LPS."""


@pytest.fixture
def widget(viewer):
    viewer.window.resize(900, 500)  # less to draw
    _, found = viewer.window.add_plugin_dock_widget("napari-medread", "Planes and slices")
    return found


@pytest.fixture
def click(qtbot):
    def clicked(button):
        wait_until_idle()
        assert button.native.isVisible()
        assert button.native.isEnabled()
        qtbot.mouseClick(button.native, Qt.MouseButton.LeftButton)
        wait_until_idle()

    return clicked


@pytest.fixture
def turn(viewer, qtbot):
    """Turn the wheel over the canvas, by notches: down is negative."""
    canvas = viewer.window._qt_viewer.canvas.native

    def turned(*arguments, **options):
        mouse.turn(canvas, *arguments, **options)
        wait_until_idle()

    return turned


def shown(viewer):
    """Return the letters on the canvas: top, bottom, left, right; None where there is none."""
    overlays = viewer.canvas.overlays
    found = [overlays[f"patient_{edge}"] for edge in ("top", "bottom", "left", "right")]
    return [each.text if each.visible else None for each in found]


def letters_seen(viewer, layer, scan):
    """Return what the letters must be, from what the canvas shows at its pixels.

    The voxels at the ends of a short way over the canvas tell where they lie, by the
    standard's equation.
    """
    canvas = viewer.window._qt_viewer.canvas
    middle = np.array(canvas.native.width()), np.array(canvas.native.height())
    middle = np.array(middle) / 2

    def place(offset):
        world = canvas._map_canvas2world(tuple(middle + offset), canvas.view)
        return scan.place(layer.get_value(world, world=True))

    reach = 5 * viewer.scene.camera.zoom
    down = place((0, reach)) - place((0, -reach))
    right = place((reach, 0)) - place((-reach, 0))
    return [named(each) for each in (-down, down, -right, right)]


def named(direction):
    """Return the letters of a direction by its angles to the axes."""
    angles = np.degrees(np.arcsin(np.abs(direction) / np.linalg.norm(direction)))
    order = np.argsort(-angles)
    kept = [axis for n, axis in enumerate(order) if n == 0 or angles[axis] > 20]
    return "".join(LETTERS[axis][int(direction[axis] > 0)] for axis in kept)


def test_letters_stay_right_in_every_plane_and_flip(qtbot, viewer, widget, click):
    flips = [("down", "right"), ("up", "right"), ("down", "left"), ("up", "left")]
    for name in ("axial", "from head", "sagittal", "oblique"):
        scan = SCANS[name]
        layer = viewer.add_layer(scan.layer())
        for plane, flip in itertools.product(PLANES, flips):
            if flip == flips[0]:
                click(widget.planes[plane])
            elif plane != "coronal" and name != "oblique":
                continue
            viewer.scene.camera.orientation2d = flip
            wait_until_idle()
            assert shown(viewer) == letters_seen(viewer, layer, scan), (name, plane, flip)
        viewer.dims.order = (0, 2, 1)  # as napari transposes
        wait_until_idle()
        assert shown(viewer) == letters_seen(viewer, layer, scan)
        viewer.layers.clear()


def test_each_plane_shows_as_in_a_reading_room(viewer, widget, click):
    viewer.add_layer(AXIAL.layer())
    expected = {
        "axial": ["A", "P", "R", "L"],
        "coronal": ["S", "I", "R", "L"],
        "sagittal": ["S", "I", "A", "P"],
    }
    for plane, letters in expected.items():
        viewer.scene.camera.orientation2d = ("up", "left")
        click(widget.planes[plane])
        assert viewer.dims.order == PLANES[plane]
        assert shown(viewer) == letters
    for plane, scan in (("axial", AXIAL), ("sagittal", SAGITTAL), ("coronal", CORONAL)):
        viewer.layers.clear()
        viewer.add_layer(scan.layer())
        viewer.dims.order = (0, 2, 1)
        click(widget.planes[AS_ACQUIRED])
        assert viewer.dims.order == PLANES[plane]


def test_a_marker_is_seen_at_the_edges_that_bear_its_letters(qtbot, viewer, widget, click):
    """Left, anterior and superior, by pixels."""
    for scan in (CORONAL, SCANS["from head"]):
        numbers = np.arange(np.prod(scan.shape))
        places = np.array([scan.place(n) for n in numbers])
        # A voxel's distance from the corner that lies most to the left, front and head.
        corner = np.array([places[:, 0].max(), places[:, 1].min(), places[:, 2].max()])
        data = np.where(np.abs(places - corner).max(axis=1) <= 8, 255, 60).astype(np.uint8)
        layer = viewer.add_layer(scan.layer(data.reshape(scan.shape)))
        point = layer.data_to_world(np.argwhere(np.asarray(layer.data) == 255)[0])
        for plane in PLANES:
            viewer.dims.point = point
            click(widget.planes[plane])
            edges = dict(zip(["top", "bottom", "left", "right"], shown(viewer), strict=True))
            viewer.dims.point = point
            for each in ("letters", "slice_number"):
                getattr(widget, each).value = False
            wait_until_idle()
            picture = viewer.screenshot(canvas_only=True, flash=False)[..., 0].astype(int)
            for each in ("letters", "slice_number"):
                getattr(widget, each).value = True
            at = np.argwhere(picture > 200).mean(axis=0) - np.array(picture.shape) / 2
            seen = {
                edges["bottom" if at[0] > 0 else "top"],
                edges["right" if at[1] > 0 else "left"],
            }
            assert seen < {"L", "A", "S"}, (scan, plane)
        viewer.layers.clear()


def test_a_click_keeps_the_point_and_leaves_3d(qtbot, viewer, widget, click):
    layer = viewer.add_layer(AXIAL.layer())
    viewer.dims.point = layer.data_to_world((2, 5, 7))
    point = viewer.dims.point
    viewer.dims.ndisplay = 3
    wait_until_idle()
    assert shown(viewer) == [None] * 4
    fits = []

    def fitted(event):
        # napari's controls are narrower in 2D than in 3D, and give the canvas their room later.
        fits.append((viewer.canvas.size, viewer.scene.camera.zoom))

    viewer.events.reset_view.connect(fitted)
    click(widget.planes["sagittal"])
    viewer.events.reset_view.disconnect(fitted)
    assert viewer.dims.ndisplay == 2
    assert viewer.dims.point == pytest.approx(point)
    (height, width), zoom = fits[-1]
    extent = np.ptp(layer.extent.world, axis=0) + np.array(layer.scale)
    assert zoom == pytest.approx(0.95 * min(height / extent[0], width / extent[1]), rel=0.02)


def test_time_and_other_axes_stay_in_front(viewer, widget, click):
    viewer.add_layer(AXIAL.layer(frames=2))
    click(widget.planes["coronal"])
    assert viewer.dims.order == (0, 2, 1, 3)
    assert shown(viewer) == ["S", "I", "R", "L"]
    viewer.add_image(np.zeros((2, 2, 3, 4, 5)), name="more axes")
    click(widget.planes["sagittal"])
    assert viewer.dims.order == (0, 1, 4, 2, 3)


def test_keys_and_menu(qtbot, viewer, widget, messages):
    viewer.add_layer(SAGITTAL.layer())
    canvas = viewer.window._qt_viewer.canvas.native
    titles = {
        "coronal": "Show coronal",
        "sagittal": "Show sagittal",
        "axial": "Show axial",
        AS_ACQUIRED: "Show plane as acquired",
    }
    for plane, title in titles.items():
        expected = PLANES.get(plane, PLANES["sagittal"])
        assert PLANE_KEYS[plane] in widget.planes[plane].tooltip
        qtbot.keyClick(canvas, getattr(Qt.Key, f"Key_{PLANE_KEYS[plane]}"))
        assert viewer.dims.order == expected
        viewer.dims.order = (0, 2, 1)
        action(viewer, "Layers", "Visualize", title).trigger()
        assert viewer.dims.order == expected
    viewer.layers.clear()
    action(viewer, "Layers", "Visualize", "Show axial").trigger()
    assert messages()[-1].startswith("Open a layer of three dimensions or more")
    action(viewer, "Layers", "Visualize", "Show plane as acquired").trigger()
    assert messages()[-1].startswith("Select a layer first whose file")


def test_labels_are_shown_in_the_plane_of_the_image_under_them(viewer, widget, click):
    image = viewer.add_layer(SAGITTAL.layer())
    viewer.window._qt_viewer.layerButtons.newLabelsButton.click()
    wait_until_idle()
    click(widget.planes[AS_ACQUIRED])
    assert viewer.dims.order == PLANES["sagittal"]
    image.visible = False
    wait_until_idle()
    assert not widget.planes[AS_ACQUIRED].enabled


def test_the_wheel_moves_through_slices(viewer, widget, click, turn):
    layer = viewer.add_layer(SCANS["from head"].layer())

    def seen():
        """Return the number of the slice on the screen, as the slider counts."""
        return int(widget.slice.value.split()[0])

    for plane, (axis, _, _) in PLANES.items():
        click(widget.planes[plane])
        count, zoom = layer.data.shape[axis], viewer.scene.camera.zoom
        turn(30, "Alt")
        assert seen() == 1
        turn(-1)
        assert seen() == 2
        turn(-3)  # some systems make several lines of a notch
        assert seen() == 3
        for _ in range(4):
            turn(-0.25)  # a trackpad
        assert seen() == 4
        turn(-1, inverted=True)
        assert seen() == 3
        turn(-1, "Shift")
        assert seen() == min(13, count)
        turn(-1, "Alt")
        assert seen() == count
        turn(-1)
        assert seen() == count
        assert viewer.dims.current_step[axis] == viewer.dims.nsteps[axis] - 1
        assert viewer.scene.camera.zoom == zoom
        assert f"of {count}" in viewer.canvas.overlays["slice_shown"].text


def test_a_step_is_a_slice_of_the_selected_layer(viewer, widget, click, turn):
    coarse = viewer.add_layer(AXIAL.layer())
    fine = viewer.add_image(np.zeros((60, 30, 32)), scale=(1, 1, 1), units="mm")
    fine.translate = coarse.extent.world[0]
    click(widget.planes["axial"])
    viewer.layers.selection.active = coarse
    turn(1, "Alt")
    before = viewer.dims.point[0]
    turn(-1)
    assert viewer.dims.point[0] - before == pytest.approx(4)
    viewer.layers.selection.active = fine
    turn(-1)
    assert viewer.dims.point[0] - before == pytest.approx(5)


def test_ctrl_and_the_wheel_zoom_at_the_cursor(qtbot, viewer, widget, turn):
    viewer.add_layer(AXIAL.layer())
    wait_until_idle()
    canvas = viewer.window._qt_viewer.canvas
    at = np.array([canvas.native.width() * 0.25, canvas.native.height() * 0.75]).astype(int)
    before, zoom, point = (
        canvas._map_canvas2world(tuple(at), canvas.view),
        viewer.scene.camera.zoom,
        viewer.dims.point,
    )
    turn(1, "Control", share=(0.25, 0.75))
    found = viewer.scene.camera.zoom / zoom
    after = canvas._map_canvas2world(tuple(at), canvas.view)
    np.testing.assert_allclose(after, before, atol=0.01)
    assert viewer.dims.point == point
    # The same as napari's own plain wheel.
    qtbot.mouseClick(widget.wheel.native, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert not widget.wheel.value
    zoom = viewer.scene.camera.zoom
    turn(1, share=(0.25, 0.75))
    assert viewer.scene.camera.zoom / zoom == pytest.approx(found)
    assert viewer.dims.point == point
    step = viewer.dims.current_step
    turn(-1, "Control")
    assert viewer.dims.current_step[0] == step[0] + 1
    widget.wheel.value = True
    viewer.dims.ndisplay = 3
    wait_until_idle()
    zoom = viewer.scene.camera.zoom
    turn(1)
    qtbot.waitUntil(lambda: viewer.scene.camera.zoom > zoom)


def test_the_readout_tells_where_the_voxel_is(qtbot, viewer, widget):
    rng = np.random.default_rng(1)
    for scan in SCANS.values():
        layer = viewer.add_layer(scan.layer())
        for order in PLANES.values():
            viewer.dims.order = order
            index = [int(rng.integers(n)) for n in layer.data.shape]
            viewer.dims.point = layer.data_to_world(index)
            viewer.cursor.position = layer.data_to_world(index)
            value = int(layer.data[tuple(index)])
            qtbot.waitUntil(lambda text=f"{value} HU": widget.value.value == text)
            assert parsed(widget.position.value) == pytest.approx(scan.place(value), abs=0.0501)
        viewer.layers.clear()


def parsed(words):
    """Return LPS of ``R 1.2  P 3.4  S 5.6 mm``."""
    assert words.endswith(" mm")
    parts = words.removesuffix(" mm").split()
    signs = dict(zip("LRPASI", (1, -1) * 3, strict=True))
    assert [letter in pair for letter, pair in zip(parts[::2], ["LR", "AP", "SI"], strict=True)]
    return [signs[letter] * float(n) for letter, n in zip(parts[::2], parts[1::2], strict=True)]


def test_the_mouse_over_the_canvas(qtbot, viewer, widget, click, turn):
    below = viewer.add_layer(AXIAL.layer())
    click(widget.planes["axial"])
    canvas = viewer.window._qt_viewer.canvas.native
    mouse.move(canvas, (canvas.width() // 2, canvas.height() // 2))
    qtbot.waitUntil(lambda: widget.value.value.endswith(" HU"))
    value = int(widget.value.value.removesuffix(" HU"))
    place = AXIAL.place(value)
    np.testing.assert_allclose(parsed(widget.position.value), place, atol=1.1)
    assert parsed(widget.position.value)[2] == pytest.approx(place[2], abs=0.0501)
    turn(-1)  # the cursor stays: another slice under it
    qtbot.waitUntil(lambda: widget.value.value == f"{value - 20 * 16} HU")
    top = viewer.add_layer(AXIAL.layer(np.full(AXIAL.shape, 0.25, np.float32)))
    top.name = "dose"
    wait_until_idle()
    assert (widget.value.value, widget.layer.value) == ("0.25 HU", "dose")
    top.visible = False
    wait_until_idle()
    assert widget.layer.value == below.name
    qtbot.mouseMove(canvas, QPoint(1, 1))
    wait_until_idle()
    assert (widget.value.value, widget.position.value) == ("–", "–")
    mouse.move(canvas, (canvas.width() // 2, canvas.height() // 2))
    qtbot.waitUntil(lambda: widget.value.value.endswith(" HU"))
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.Enter))
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    wait_until_idle()
    assert (widget.value.value, widget.position.value, widget.layer.value) == ("–",) * 3
    viewer.dims.set_current_step(0, 2)  # by the slider
    viewer.add_layer(AXIAL.layer(frames=2))
    wait_until_idle()
    assert (widget.value.value, widget.position.value, widget.layer.value) == ("–",) * 3
    viewer.layers.clear()
    viewer.add_layer(AXIAL.layer())
    wait_until_idle()
    assert (widget.value.value, widget.position.value, widget.layer.value) == ("–",) * 3


def test_no_letters_without_a_position(qtbot, viewer, widget, click):
    wait_until_idle()
    assert shown(viewer) == [None] * 4
    assert widget.slice.value == "–"
    assert not widget.planes["axial"].native.isEnabled()
    viewer.add_image(np.zeros((20, 30)), name="picture")
    wait_until_idle()
    assert shown(viewer) == [None] * 4
    assert not widget.planes["axial"].native.isEnabled()
    viewer.add_image(np.arange(8 * 20 * 30).reshape(8, 20, 30), name="array")
    viewer.cursor.position = (4.0, 5.0, 6.0)
    viewer.dims.point = (4, 5, 6)
    wait_until_idle()
    assert shown(viewer) == [None] * 4
    assert widget.slice.value == "5 of 8"
    assert viewer.canvas.overlays["slice_shown"].text == "Slice 5 of 8"
    assert not widget.planes[AS_ACQUIRED].native.isEnabled()
    assert (widget.position.value, widget.value.value) == ("–", str(4 * 600 + 5 * 30 + 6))
    scan = viewer.add_layer(AXIAL.layer())
    click(widget.planes["axial"])
    assert shown(viewer) == ["A", "P", "R", "L"]
    drawn = viewer.add_labels(
        np.zeros(scan.data.shape, np.uint8),
        scale=scan.scale, translate=scan.translate, affine=scan.affine, units="mm",
    )  # fmt: skip
    viewer.layers.selection.active = drawn
    wait_until_idle()
    assert shown(viewer) == ["A", "P", "R", "L"]
    click_tick(qtbot, widget.letters)
    assert shown(viewer) == [None] * 4
    click_tick(qtbot, widget.letters)
    viewer.layers.remove(drawn)
    viewer.layers.remove(scan)
    wait_until_idle()
    assert shown(viewer) == [None] * 4


def click_tick(qtbot, tick):
    before = tick.value
    qtbot.mouseClick(tick.native, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert tick.value != before
    wait_until_idle()


def test_the_slice_and_where_it_lies(qtbot, viewer, widget):
    layer = viewer.add_layer(AXIAL.layer())
    viewer.dims.point = layer.data_to_world((2, 3, 4))
    wait_until_idle()
    z = AXIAL.place(layer.data[2, 3, 4])[2]
    assert widget.slice.value == f"7 of 9, S {z:.1f} mm"
    assert viewer.canvas.overlays["slice_shown"].text == f"Slice 7 of 9\nS {z:.1f} mm"
    viewer.layers.clear()
    layer = viewer.add_layer(OBLIQUE.layer())
    viewer.dims.point = layer.data_to_world((2, 3, 4))
    wait_until_idle()
    assert widget.slice.value.endswith("of 9, oblique")
    assert "scan is oblique." in widget.message.value
    other = viewer.add_layer(AXIAL.layer())
    other.name = "straight"
    wait_until_idle()
    assert shown(viewer) == ["A", "P", "R", "L"]
    assert "The letters apply to straight, but not to scan" in widget.message.value
    viewer.canvas.grid.enabled = True  # one beside the other: no letters are true of both
    wait_until_idle()
    assert shown(viewer) == [None] * 4
    viewer.layers.pop(0)
    wait_until_idle()
    assert shown(viewer) == ["A", "P", "R", "L"]


def test_other_axes_are_counted_with_their_values(viewer, widget):
    scan = AXIAL.volume()
    axes = Axis("time", "s", 3.2), Axis("b-value", values=(0, 700, 928), value_unit="s/mm²")
    run = viewer.add_layer(to_run(scan, axes, (3, 3)))
    viewer.dims.current_step = (2, 1, 4, 0, 0)
    wait_until_idle()
    assert widget.leading_labels.value == "Time\nb-value"
    assert widget.leading.value == "3 of 3, 6.4 s\n2 of 3, b = 700 s/mm²"
    text = viewer.canvas.overlays["slice_shown"].text
    assert text.startswith("Slice 5 of 9\nS ")
    assert text.replace("2 of 3\n", "2 of 3, ").endswith(
        "Time 3 of 3, 6.4 s\nb-value 2 of 3, b = 700 s/mm²"
    )
    # Of the layer whose slice it is, and none outside it.
    still = viewer.add_layer(AXIAL.layer())
    viewer.layers.selection.active = still
    wait_until_idle()
    assert not widget.leading_row.visible
    assert "b = " not in viewer.canvas.overlays["slice_shown"].text
    still.visible = False
    wait_until_idle()
    assert widget.leading_row.visible
    run.metadata = run.metadata | {"axes": {}}
    wait_until_idle()
    assert widget.leading.value == "3 of 3, 6.4 s\n2 of 3"


def test_a_run_of_single_images_has_no_slices(viewer, widget):
    plane = Volume.from_array(
        np.zeros((4, 20, 30), np.uint8), spacing=1, leading=[Axis("time", "s", 0.04)]
    )
    viewer.add_layer(Layer.create(*to_layer(plane)))
    viewer.dims.current_step = (2, 0, 0)
    wait_until_idle()
    assert widget.slice.value == "–"
    assert viewer.canvas.overlays["slice_shown"].text == "Time 3 of 4, 0.08 s"


def to_run(volume, axes, lengths):
    """Return a volume as a layer that has it many times over, along other axes."""
    data = np.broadcast_to(volume.data, (*lengths, *volume.data.shape)).copy()
    return Layer.create(*to_layer(replace(volume, data=data, leading=axes)))


def test_patient_space_in_3d(qtbot, viewer, widget, click):
    first, second = (viewer.add_layer(OBLIQUE.layer()) for _ in range(2))
    viewer.window._qt_viewer.layerButtons.newLabelsButton.click()
    viewer.window._qt_viewer.layerButtons.newPointsButton.click()
    labels, points = viewer.layers[-2:]
    plain = viewer.add_image(np.zeros((9, 20, 16)), scale=(0.7, 0.9, 1.1), name="array")
    before, over = (
        [np.array(each.affine.affine_matrix) for each in layers]
        for layers in ((first, second), (labels, points))
    )
    apart = first.world_to_data(labels.data_to_world((1, 2, 3)))
    points.add(points.world_to_data(first.data_to_world((1, 2, 3))))
    viewer.dims.point = first.data_to_world((2, 3, 4))
    point = viewer.dims.point
    to_lps = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])

    def lies_there(layer):
        world = layer.data_to_world((1, 2, 3))
        return np.allclose(to_lps @ world, OBLIQUE.place(layer.data[1, 2, 3]), atol=1e-6)

    click_tick(qtbot, widget.patient_space)
    assert not lies_there(first)  # 2D stays straight
    viewer.dims.ndisplay = 3
    assert lies_there(first)
    assert lies_there(second)
    np.testing.assert_array_equal(plain.affine.affine_matrix, np.eye(4))
    np.testing.assert_allclose(
        first.world_to_data(labels.data_to_world((1, 2, 3))), apart, atol=1e-9
    )
    np.testing.assert_allclose(
        first.world_to_data(points.data_to_world(points.data[0])), (1, 2, 3), atol=1e-9
    )
    qtbot.waitUntil(lambda: widget.message.value.endswith("over a single image in 2D."))
    assert widget.message.value.splitlines()[-1].startswith("array is drawn as in 2D")
    third = viewer.add_layer(OBLIQUE.layer())
    assert lies_there(third)
    viewer.layers.remove(second)
    np.testing.assert_array_equal(second.affine.affine_matrix, before[1])
    viewer.layers.append(second)
    viewer.dims.ndisplay = 2  # napari warns, were one of them still turned
    wait_until_idle()
    for layer in (first, second, third):
        np.testing.assert_array_equal(layer.affine.affine_matrix, before[0])
    for layer, affine in zip((labels, points), over, strict=True):
        np.testing.assert_array_equal(layer.affine.affine_matrix, affine)
    assert viewer.dims.point == pytest.approx(point)
    viewer.dims.ndisplay = 3
    assert lies_there(first)
    viewer.layers.remove(plain)
    qtbot.waitUntil(lambda: widget.message.value.endswith("with what was drawn over it."))
    click_tick(qtbot, widget.patient_space)
    np.testing.assert_array_equal(first.affine.affine_matrix, before[0])
    click_tick(qtbot, widget.patient_space)
    assert lies_there(first)
    click(widget.planes["coronal"])
    np.testing.assert_array_equal(first.affine.affine_matrix, before[0])


def test_time_goes_on_in_patient_space(qtbot, viewer, widget):
    layer = viewer.add_layer(OBLIQUE.layer(frames=4))
    viewer.dims.point = point = layer.data_to_world((1, 2, 3, 4))
    click_tick(qtbot, widget.patient_space)
    viewer.dims.ndisplay = 3
    viewer.dims.set_current_step(0, 3)
    viewer.dims.ndisplay = 2
    wait_until_idle()
    assert viewer.dims.point == pytest.approx((layer.data_to_world((3, 0, 0, 0))[0], *point[1:]))


def test_closing_takes_everything_back(qtbot, viewer):
    callbacks = list(viewer.mouse_wheel_callbacks)
    keys, overlays = dict(viewer.keymap), set(viewer.canvas.overlays)
    events = [viewer.dims.events.order, viewer.layers.events, viewer.cursor.events.position]
    counts = [len(each.callbacks) for each in events]
    for _ in range(2):
        _, widget = viewer.window.add_plugin_dock_widget("napari-medread", "Planes and slices")
        layer = viewer.add_layer(AXIAL.layer())
        wait_until_idle()
        assert shown(viewer) == ["A", "P", "R", "L"]
        gone = [weakref.ref(widget), weakref.ref(widget.tools), weakref.ref(layer)]
        viewer.window.remove_dock_widget(widget.native)
        del widget, layer
        viewer.layers.clear()
        wait_until_idle()
        gc.collect()
        assert [each() for each in gone] == [None] * 3
        assert list(viewer.mouse_wheel_callbacks) == callbacks
        assert dict(viewer.keymap) == keys
        assert set(viewer.canvas.overlays) == overlays
        assert [len(each.callbacks) for each in events] == counts
    _, widget = viewer.window.add_plugin_dock_widget("napari-medread", "Planes and slices")
    layer = viewer.add_layer(OBLIQUE.layer())
    before = np.array(layer.affine.affine_matrix)
    widget.patient_space.value, viewer.dims.ndisplay = True, 3
    assert not np.array_equal(layer.affine.affine_matrix, before)
    viewer.window.remove_dock_widget(widget.native)
    del widget
    wait_until_idle()
    gc.collect()
    np.testing.assert_array_equal(layer.affine.affine_matrix, before)
    viewer.dims.ndisplay = 2


def test_two_viewers_do_not_meddle(qtbot, make_napari_viewer, viewer, widget):
    other = make_napari_viewer(show=True)
    _, others = other.window.add_plugin_dock_widget("napari-medread", "Planes and slices")
    viewer.add_layer(AXIAL.layer())
    other.add_layer(SAGITTAL.layer())
    others.planes["sagittal"].native.click()
    wait_until_idle()
    assert shown(viewer) == ["A", "P", "R", "L"]
    assert shown(other) == ["S", "I", "A", "P"]
    assert viewer.dims.order == (0, 1, 2)
    other.close()
    viewer.dims.point = viewer.layers[0].data_to_world((1, 1, 1))
    wait_until_idle()
    assert widget.slice.value.startswith("8 of 9")
