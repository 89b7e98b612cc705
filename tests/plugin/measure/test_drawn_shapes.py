"""Shapes drawn with the mouse on the canvas, and measured as they are drawn.

The canvas shows four pixels to a millimetre, so that lengths and areas are known from where
the mouse was, whatever the voxels are.
"""

import math

import dask.array as da
import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from helpers import mouse
from helpers.idle import wait_until_idle
from helpers.menus import opened
from helpers.scans import AXIAL, CORONAL, OBLIQUE, SAGITTAL
from helpers.tables import rows_of

ZOOM = 4.0
"""Pixels of the canvas to a unit of the world."""

ORDERS = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
LEFT, PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier

PAUSE = 60
"""Milliseconds between events of the mouse: napari passes over those that come too fast."""

STEP = 10_000
"""By how much the frames of a series differ: more than a scan's values."""


@pytest.fixture
def widget(viewer):
    viewer.window.resize(1100, 500)
    return opened(viewer, "Layers", "Measure", "Measure (")


@pytest.fixture
def draw(qtbot, viewer, widget):
    """Return a function that draws a shape with the mouse, and returns its row of the table."""
    canvas = viewer.window._qt_viewer.canvas.native

    def start():
        """Return a point up and left of the centre of the canvas, where the image is."""
        return canvas.rect().center() - QPoint(40, 30)

    def pressed(mode):
        if not any(each._type_string == "shapes" for each in viewer.layers):
            buttons = viewer.window._qt_viewer.layerButtons
            qtbot.mouseClick(buttons.newShapesButton, LEFT)
        (layer,) = (each for each in viewer.layers if each._type_string == "shapes")
        viewer.scene.camera.zoom = ZOOM
        layer.mode = mode
        sizes = []
        while len(sizes) < 4 or len(set(sizes[-4:])) > 1:  # the layout has not settled
            qtbot.wait(PAUSE)
            sizes.append((canvas.width(), canvas.height()))
        return layer

    def dragged(mode, across, down):
        layer = pressed(mode)
        first, end = start(), start() + QPoint(across, down)
        mouse.move(canvas, (first).toTuple())
        QTest.mousePress(canvas, LEFT, PLAIN, first)
        for share in (0.3, 0.7, 1.0):
            mouse.move(canvas, (first + (end - first) * share).toTuple())
            qtbot.wait(PAUSE)
        QTest.mouseRelease(canvas, LEFT, PLAIN, end)
        return measured(layer)

    def clicked(mode, *places):
        layer = pressed(mode)
        for across, down in places:
            at = start() + QPoint(across, down)
            mouse.move(canvas, (at).toTuple())
            qtbot.wait(PAUSE)
            QTest.mouseClick(canvas, LEFT, PLAIN, at)
        QTest.keyClick(canvas, Qt.Key.Key_Escape)
        return measured(layer)

    def measured(layer):
        count = len(layer.data)
        wait_until_idle()
        assert len(layer.data) == count
        assert widget.drawn.value is layer
        rows = rows_of(widget)
        assert len(rows) == count
        return rows[-1]

    return lambda mode, *where: (
        dragged(mode, *where) if isinstance(where[0], int) else clicked(mode, *where)
    )


def check_all(draw, unit="mm"):
    """Draw each kind of shape, and check it against what was drawn."""
    number = pytest.approx
    line = draw("add_line", 80, 60)
    assert line["Shape"] == "line"
    assert float(line[f"Length ({unit})"]) == number(100 / ZOOM, abs=0.02)
    path = draw("add_polyline", (0, 0), (80, 0), (80, 60))
    assert path["Shape"] == "path"
    assert float(path[f"Length ({unit})"]) == number(140 / ZOOM, abs=0.02)
    assert float(path["Angle (°)"]) == number(90, abs=0.1)
    box = draw("add_rectangle", 80, 60)
    assert float(box[f"Area ({unit}²)"]) == number(80 * 60 / ZOOM**2, abs=0.5)
    assert float(box[f"Perimeter ({unit})"]) == number(280 / ZOOM, abs=0.1)
    round_ = draw("add_ellipse", 80, 60)
    assert float(round_[f"Area ({unit}²)"]) == number(math.pi * 40 * 30 / ZOOM**2, abs=0.5)
    triangle = draw("add_polygon", (0, 0), (80, 0), (80, 60))
    assert triangle["Shape"] == "polygon"
    assert float(triangle[f"Area ({unit}²)"]) == number(80 * 60 / 2 / ZOOM**2, abs=0.5)
    assert float(triangle[f"Perimeter ({unit})"]) == number(240 / ZOOM, abs=0.1)


@pytest.mark.parametrize(
    ("scan", "plane"),
    [(AXIAL, "axial"), (AXIAL, "coronal"), (AXIAL, "sagittal"), (SAGITTAL, "axial"),
     (CORONAL, "sagittal")],
    ids=["axial", "coronal", "sagittal", "axial of sagittal", "sagittal of coronal"],
)  # fmt: skip
def test_every_shape_in_every_plane_of_a_scan(viewer, draw, scan, plane):
    viewer.add_layer(scan.layer())
    viewer.dims.order = ORDERS[plane]
    viewer.reset_view()
    check_all(draw)


def test_a_picture_with_a_spacing(viewer, draw):
    viewer.add_image(np.zeros((60, 40)), scale=(0.5, 1.5), units="mm", name="film")
    check_all(draw)
    # Seen on grey, with the pixels inside.
    shapes = viewer.layers[-1]
    saturation = np.ptp(shapes.edge_color[:, :3], axis=1)
    assert (saturation > 0.8).all()
    assert (shapes.face_color[:, 3] == 0).all()


def test_a_picture_without_a_spacing(viewer, draw):
    viewer.add_image(np.zeros((60, 40)), name="picture")
    check_all(draw, "px")


def test_an_oblique_scan_is_measured_in_the_patient(viewer, draw):
    # It is drawn straight on its own axes, which are as long as they are in the patient.
    viewer.add_layer(OBLIQUE.layer())
    check_all(draw)


def test_frames_of_a_lazy_series(viewer, widget, draw, values):
    layer = viewer.add_layer(AXIAL.layer(frames=4))
    layer.data = layer.data + STEP * da.arange(4)[:, None, None, None]
    viewer.dims.set_current_step(0, 2)
    line = draw("add_line", 80, 60)
    assert float(line["Length (mm)"]) == pytest.approx(100 / ZOOM, abs=0.02)
    draw("add_rectangle", 40, 40)
    viewer.dims.set_current_step(0, 3)
    draw("add_ellipse", 40, 40)
    # Each in the frame in which it was drawn, wherever the slider is.
    viewer.dims.set_current_step(0, 0)
    line, box, round_ = values()
    assert line["Mean (HU)"] == ""
    assert 2 * STEP <= float(box["Mean (HU)"]) < 3 * STEP <= float(round_["Mean (HU)"])


def test_what_is_drawn_is_where_it_is_measured(viewer, widget, draw, values):
    image = viewer.add_layer(AXIAL.layer())
    draw("add_rectangle", 80, 60)
    (row,) = values()
    (box,) = viewer.layers[-1].data
    corners = np.array([image.world_to_data(viewer.layers[-1].data_to_world(p)) for p in box])
    low, high = corners.min(axis=0), corners.max(axis=0)
    at = [slice(max(0, math.ceil(a)), math.floor(b) + 1) for a, b in zip(low, high, strict=True)]
    at[0] = slice(round(low[0]), round(low[0]) + 1)
    inside = np.asarray(image.data[tuple(at)])
    assert row["Voxels"] == str(inside.size)
    assert float(row["Mean (HU)"]) == pytest.approx(inside.mean(), abs=0.06)


def test_a_pyramid(viewer, widget, draw, values):
    finest = np.random.default_rng(5).integers(0, 900, (64, 48))
    viewer.add_image(
        [finest, finest[::2, ::2], finest[::4, ::4]], scale=(0.5, 1.0), units="mm", name="film"
    )
    row = draw("add_rectangle", 80, 80)
    assert float(row["Area (mm²)"]) == pytest.approx(400, abs=0.5)
    (row,) = values()
    # Pixels are those of the finest resolution: 0.5 mm² each.
    assert int(row["Pixels"]) * 0.5 == float(row["Pixel area (mm²)"])
