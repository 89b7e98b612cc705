"""What the side canvases of three planes show of hidden layers, and how they are fitted."""

from functools import partial

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from helpers import mouse
from helpers.idle import wait_until_idle
from helpers.menus import opened
from helpers.scans import AXIAL

LETTERS = {
    "axial": ["A", "P", "R", "L"],
    "coronal": ["S", "I", "R", "L"],
    "sagittal": ["S", "I", "A", "P"],
}
"""Of a scan along the patient's axes: top, bottom, left, right."""


@pytest.fixture
def views(qtbot, viewer):
    """Return what shows three planes at once, for the layers that a test adds first."""

    def opened_views(count=2):
        viewer.window.resize(1100, 700)
        widget = opened(viewer, "Layers", "Visualize", "Planes and slices")
        widget.three_planes.native.click()
        found = widget.tools.orthogonal_views
        qtbot.waitUntil(lambda: len(found.canvases) == count, timeout=10_000)
        wait_until_idle()
        return found

    return opened_views


def mirrored(canvas):
    """Return the names of the layers that a canvas has something to draw of."""
    return [layer.name for layer in canvas.model.layers if layer.visible]


def pixel_at(canvas, world):
    """Return the pixel that shows a place."""
    dims, view = canvas.model.dims, canvas.qt_viewer.canvas.view
    down, right = dims.displayed
    x, y = (view.transform * view.scene.transform).map([world[right], world[down], 0, 1])[:2]
    return float(x), float(y)


def grey_at(canvas, world):
    """Return the grey value of the pixel that shows a place."""
    x, y = pixel_at(canvas, world)
    return int(canvas.qt_viewer.screenshot(flash=False)[int(y) + 4, int(x) + 4, 0])


def zoom_of(model, layer):
    """Return the zoom at which a layer takes 95 % of the canvas, as in napari."""
    size = (np.ptp(layer.extent.world, axis=0) + np.abs(layer.scale))[list(model.dims.displayed)]
    return pytest.approx(0.95 * min(np.array(model.canvas.size) / size), rel=0.02)


def test_a_hidden_layer_is_mirrored_once_it_is_shown(viewer, views):
    """Of eleven hidden volumes none costs anything; one that is shown lies where it belongs."""
    middle = np.array(AXIAL.layer().data.shape) // 2
    for n in range(12):
        layer = AXIAL.layer(np.full(AXIAL.shape, 20 + n * 20, np.uint8))
        layer.name, layer.visible, layer.contrast_limits = f"volume {n}", n == 5, (0, 255)
        viewer.add_layer(layer)
    viewer.dims.point = place = layer.data_to_world(middle)
    canvases = views().canvases
    for canvas in canvases:
        assert mirrored(canvas) == ["volume 5"]
        assert len(canvas.qt_viewer.canvas.layer_to_visual) <= 2  # napari draws no other
        assert grey_at(canvas, place) == 120
    viewer.layers["volume 9"].visible = True
    wait_until_idle()
    for canvas in canvases:
        assert mirrored(canvas) == ["volume 5", "volume 9"]
        assert grey_at(canvas, place) == 200
    viewer.layers["volume 2"].visible = True
    wait_until_idle()
    for canvas in canvases:
        assert mirrored(canvas) == ["volume 2", "volume 5", "volume 9"]
        assert grey_at(canvas, place) == 200
    viewer.layers["volume 9"].visible = False
    wait_until_idle()
    for canvas in canvases:
        assert mirrored(canvas) == ["volume 2", "volume 5"]
        assert grey_at(canvas, place) == 120


def test_a_point_outside_the_visible_layer_shows_none_of_its_slices(viewer, views):
    """The point lies in a hidden volume: the planes are empty there, and not at the edge."""
    visible = viewer.add_layer(AXIAL.layer(np.full(AXIAL.shape, 200, np.uint8)))
    visible.contrast_limits = (0, 255)
    shift = 3 * np.array(AXIAL.shape) * visible.scale
    hidden = AXIAL.layer()
    hidden.translate, hidden.visible = np.array(hidden.translate) + shift, False
    viewer.add_layer(hidden)
    canvases = views().canvases
    inside = visible.data_to_world(np.array(visible.data.shape) // 2)
    for place, grey in ((inside, 200), (np.array(inside) + shift, 0)):
        viewer.dims.point = tuple(place)
        wait_until_idle()
        for canvas in canvases:
            assert canvas.model.dims.point == pytest.approx(viewer.dims.point)
            assert grey_at(canvas, inside) == grey


def test_a_hidden_run_over_time_does_not_part_the_planes(viewer, views):
    """It adds a slider to the window, so the other planes need it too."""
    layer = viewer.add_layer(AXIAL.layer())
    run = viewer.add_image(np.zeros((3, *AXIAL.shape), np.uint8), name="run", visible=False)
    canvases = views().canvases
    place = layer.data_to_world((2, 5, 7))
    viewer.dims.point = (1, *place)
    for canvas, plane in zip(canvases, ("coronal", "sagittal"), strict=True):
        assert canvas.model.dims.point == pytest.approx(viewer.dims.point)
        assert canvas.model.dims.ndim == 4
        assert mirrored(canvas) == ["scan"]
        assert canvas.model.canvas.overlays["plane_shown"].text.lower() == plane
    viewer.layers.remove(run)
    wait_until_idle()
    for canvas in canvases:
        assert canvas.model.dims.point == pytest.approx(viewer.dims.point)
        assert canvas.model.dims.ndim == 3


@pytest.mark.parametrize("by", ["key", "button", "script"])
def test_home_fits_all_planes(viewer, views, by):
    layer = viewer.add_layer(AXIAL.layer())
    hidden = AXIAL.layer()
    hidden.scale, hidden.visible = np.array(hidden.scale) * 5, False
    found = views()
    models = [viewer, *(canvas.model for canvas in found.canvases)]
    for model in models:
        model.scene.camera.zoom *= 3
        model.scene.camera.center = (0, 500, 500)
    window = viewer.window._qt_window
    if by == "key":
        QTest.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    elif by == "button":
        viewer.window._qt_viewer.viewerButtons.resetViewButton.click()
    else:
        viewer.reset_view()
    wait_until_idle()
    for model in models:
        assert model.scene.camera.zoom == zoom_of(model, layer)
    viewer.add_layer(hidden)
    viewer.reset_view()
    for canvas in found.canvases:
        assert canvas.model.scene.camera.zoom == zoom_of(canvas.model, layer)


def test_a_plane_keeps_its_zoom_while_the_window_turns(viewer, views):
    viewer.add_layer(AXIAL.layer())
    found = views()
    sagittal = found.canvases[1]
    sagittal.model.scene.camera.zoom *= 3
    zoom = sagittal.model.scene.camera.zoom
    viewer.dims.order = (1, 0, 2)  # coronal: axial and sagittal stand beside it
    wait_until_idle()
    assert [canvas.model.dims.order[0] for canvas in found.canvases] == [0, 2]
    assert sagittal.model.scene.camera.zoom == zoom


def test_title_and_letters_are_those_of_the_plane_at_every_moment(viewer, views):
    """The only layer of the side canvases goes and comes, as it is loaded for another time."""
    viewer.add_layer(AXIAL.layer(frames=3))
    found = views()
    seen = []

    def look(canvas, plane):
        overlays = canvas.model.canvas.overlays
        title = overlays["plane_shown"]
        edges = [overlays[f"patient_{edge}"] for edge in ("top", "bottom", "left", "right")]
        words = title.text.lower() if title.visible else plane
        seen.append((words == plane, [edge.text for edge in edges if edge.visible], plane))

    for canvas, plane in zip(found.canvases, ("coronal", "sagittal"), strict=True):
        assert mirrored(canvas) == ["scan"]
        for overlay in canvas.model.canvas.overlays.values():
            overlay.events.visible.connect(
                lambda event, canvas=canvas, plane=plane: look(canvas, plane)
            )
        canvas.qt_viewer.canvas.events.draw.connect(
            lambda event, canvas=canvas, plane=plane: look(canvas, plane)
        )
    for time in (2, 0, 1):
        viewer.dims.set_point(0, time * 2.5)
        assert not any(mirrored(canvas) for canvas in found.canvases)
        wait_until_idle()
        assert all(mirrored(canvas) == ["scan"] for canvas in found.canvases)
    assert seen
    assert all(is_named_right for is_named_right, _, _ in seen)
    letters = [(found_letters, LETTERS[plane]) for _, found_letters, plane in seen]
    assert all(set(found_letters) <= set(wanted) for found_letters, wanted in letters)


def test_a_click_slices_each_layer_once_and_draws_picture_and_lines_together(
    viewer, views, request
):
    """By what each canvas draws: never the new slices with the lines where they were."""
    layer = viewer.add_layer(AXIAL.layer())
    found = views()
    shown = [(viewer, viewer.window._qt_viewer.canvas, found._crosshair, layer)]
    for canvas in found.canvases:
        copy = canvas.model.layers[0]
        shown.append((canvas.model, canvas.qt_viewer.canvas, canvas._crosshair, copy))
    draws, slicings = [], []

    def look(model, crosshair, _event):
        down, right = model.dims.displayed
        lines = crosshair._lines.pos
        is_there = np.allclose(
            (lines[4, 0], lines[0, 1]), (model.dims.point[right], model.dims.point[down])
        )
        draws.append((model, is_there))

    for n, (model, canvas, crosshair, copy) in enumerate(shown):
        on_draw = partial(look, model, crosshair)
        canvas.events.draw.connect(on_draw)
        if n == 0:  # the canvas of the viewer that tests share
            request.addfinalizer(partial(canvas.events.draw.disconnect, on_draw))
        copy.events.set_data.connect(lambda event: slicings.append(id(event.source)))
    viewer.dims.point = layer.data_to_world((5, 10, 11))
    wait_until_idle()
    draws.clear()
    slicings.clear()
    at = pixel_at(found.canvases[0], layer.data_to_world((2.3, 5, 7.4)))
    mouse.drag(found.canvases[0].qt_viewer.canvas.native, at)
    wait_until_idle()
    assert viewer.dims.point == pytest.approx(layer.data_to_world((2, 10, 7)), abs=1e-6)
    assert all(is_there for _, is_there in draws)
    for model, _, _, copy in shown:
        assert slicings.count(id(copy)) == 1
        # napari draws a second time where the size of a text has changed.
        assert 1 <= [drawn for drawn, _ in draws].count(model) <= 2
