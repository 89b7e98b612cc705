"""The widget that measures, by real clicks and strokes in a real viewer."""

import csv
import gc
import weakref

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels, Shapes
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QMessageBox,
)

from helpers.idle import wait_until_idle
from helpers.menus import opened
from helpers.tables import rows_of

MENU = "Layers", "Measure", "Measure ("


@pytest.fixture
def widget(viewer):
    return opened(viewer, *MENU)


def test_shapes_on_the_example(qtbot, viewer, widget, values):
    assert widget.outcome.value == "Draw shapes or labels first."
    (image,) = viewer.open_sample("napari-medread", "ct_thorax")
    shapes = viewer.add_shapes(ndim=3, units=image.units, name="marks")
    assert "marks has no shapes yet." in widget.outcome.value
    assert not widget.run.enabled
    # 30 mm by 40 mm, in the slice shown.
    middle = np.array(image.data_to_world([10, 20, 20]))
    shapes.add(np.add(middle, [(0, 0, 0), (0, 30, 0), (0, 30, 40)]), shape_type="path")
    qtbot.waitUntil(lambda: len(rows_of(widget)) == 1)
    assert rows_of(widget) == [
        {
            "No.": "1",
            "Shape": "path",
            "Length (mm)": "70.00",
            "Angle (°)": "90.00",
        }
    ]
    box = np.array([(10, 19.5, 19.5), (10, 29.5, 19.5), (10, 29.5, 39.5), (10, 19.5, 39.5)])
    shapes.add([np.array(image.data_to_world(each)) for each in box], shape_type="rectangle")
    qtbot.waitUntil(lambda: len(rows_of(widget)) == 2)
    _, row = values()
    inside = np.asarray(image.data[10, 20:30, 20:40]).astype(float)
    assert row["Mean (HU)"] == f"{inside.mean():.2f}"
    assert row["SD (HU)"] == f"{inside.std():.2f}"
    assert row["Voxels"] == "200"
    assert float(row["Volume (ml)"]) == pytest.approx(200 * np.prod(image.scale) / 1000, rel=1e-2)
    assert float(row["Area (mm²)"]) == pytest.approx(200 * np.prod(image.scale[1:]), abs=0.01)
    assert widget.message.value == f"Values of {image.name}."
    # Statistics disappear when a layer changes.
    shapes.data = [shapes.data[0], shapes.data[1] + (0, 5, 0)]
    qtbot.waitUntil(lambda: "Mean (HU)" not in rows_of(widget)[1])
    shapes.selected_data = {0}
    shapes.remove_selected()
    qtbot.waitUntil(lambda: len(rows_of(widget)) == 1)
    viewer.layers.remove(image)  # its own unit is left
    assert rows_of(widget)[0]["Area (mm²)"] == row["Area (mm²)"]
    assert not widget.run.enabled


def test_labels_copied_and_exported(qtbot, viewer, widget, values, click, tmp_path):
    data = np.random.default_rng(0).normal(size=(6, 7, 8)).astype(np.float32)
    data[0, 0, 0] = np.nan
    image = viewer.add_image(data, scale=(3, 1, 2), units="mm", name="scan")
    viewer.layers.selection.active = image
    viewer._new_labels()  # as the button does
    labels = viewer.layers[-1]
    assert widget.drawn.value is labels
    labels.data[2:4, 1:3, 5] = 4
    labels.data[0] = 9
    four, nine = values()
    inside = data[2:4, 1:3, 5]
    assert (four["Label"], four["Voxels"], four["Not finite"]) == ("4", "4", "0")
    assert nine["Not finite"] == "1"
    assert float(four["Mean"]) == pytest.approx(inside.mean(), rel=1e-2)
    assert float(nine["Volume (ml)"]) == pytest.approx(7 * 8 * 6 / 1000, rel=1e-2)
    click(widget.copy)
    qtbot.waitUntil(lambda: widget.message.value == "Copied the table.")
    heads, first, _ = QApplication.clipboard().text().splitlines()
    assert heads.split("\t")[:3] == ["Label", "Mean", "SD"]
    assert float(first.split("\t")[1]) == pytest.approx(inside.mean(), rel=1e-6)

    there = tmp_path / "there.csv"
    there.write_text("before")

    def save(answer):
        def fill():
            dialog = QApplication.activeModalWidget()
            assert isinstance(dialog, QFileDialog)
            dialog.setDirectory(str(tmp_path))
            line = next(w for w in dialog.findChildren(QLineEdit) if w.isVisible())
            line.setText(str(tmp_path / "there"))
            QTimer.singleShot(300, reply)
            dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Save).click()

        def reply():
            box = QApplication.activeModalWidget()
            assert isinstance(box, QMessageBox)
            QTimer.singleShot(300, leave)
            box.button(answer).click()

        def leave():
            dialog = QApplication.activeModalWidget()
            if isinstance(dialog, QFileDialog):
                dialog.reject()

        QTimer.singleShot(300, fill)
        click(widget.export)

    save(QMessageBox.StandardButton.No)
    assert there.read_text() == "before"
    save(QMessageBox.StandardButton.Yes)
    qtbot.waitUntil(lambda: "there.csv" in widget.message.value)
    with there.open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    assert [each["Label"] for each in found] == ["4", "9"]
    assert float(found[0]["SD"]) == pytest.approx(inside.std(dtype=float), rel=1e-6)
    assert list(tmp_path.iterdir()) == [there]


def test_what_cannot_be_measured_is_refused_in_a_sentence(viewer, widget, click):
    labels = viewer.add_labels(np.ones((4, 5), int), name="regions")
    assert widget.outcome.value == "Open the image to measure first."
    assert not widget.run.enabled
    viewer.add_image(np.zeros((4, 5, 3), np.uint8), rgb=True, name="photo")
    assert widget.outcome.value.startswith("photo: this is a colour image. Make it grey first")
    grey = viewer.add_image(np.zeros((4, 5)), name="film")
    widget.layer.value = grey
    labels.scale = (2, 2)
    click(widget.run)
    assert widget.message.value.startswith("regions: these labels are not on the grid of film.")
    viewer.layers.clear()
    assert widget.drawn.value is None
    assert not widget.copy.enabled
    assert not widget.export.enabled


@pytest.mark.parametrize("last", [0, 1, 2], ids=["image", "labels", "shapes"])
def test_it_keeps_no_layer_alive_and_opens_again(qtbot, viewer, widget, values, last):
    made = [
        Image(np.zeros((4, 5, 6)), units="mm"),
        Labels(np.ones((4, 5, 6), int), units="mm"),
        Shapes([[(0, 0, 0), (0, 3, 4)]], shape_type="line", units="mm"),
    ]
    # Of several layers napari itself lets only the one go that was added last.
    for layer in [*made[:last], *made[last + 1 :], made[last]]:
        viewer.add_layer(layer)
    widget.drawn.value, shapes = made[1:]
    assert values()[0]["Voxels"] == "120"
    widget.drawn.value = shapes
    assert rows_of(widget)[0]["Length (mm)"] == "5.00"
    shapes.data = [np.array([(0, 0, 0), (0, 3, 0)])]
    ref = weakref.ref(made[last])
    del made, layer, shapes
    viewer.layers.clear()
    wait_until_idle()  # napari removes its controls a little later
    gc.collect()
    assert ref() is None
    gone = weakref.ref(widget)
    viewer.window.remove_dock_widget(widget.native)
    del widget
    assert opened(viewer, *MENU) is not gone()


def test_a_panel_may_be_closed_while_it_measures(qtbot, viewer, widget, click):
    viewer.add_image(np.zeros((60, 200, 200), np.int16), name="scan")
    labels = viewer.add_labels(np.ones((60, 200, 200), np.uint8))
    widget.drawn.value = labels
    click(widget.run)
    work, states = widget._task, []
    work.finished.connect(lambda: states.append("finished"))
    labels.scale = (2, 1, 1)  # a change meanwhile
    viewer.window.remove_dock_widget(widget.native)
    qtbot.waitUntil(lambda: bool(states), timeout=20000)


def test_what_is_selected_is_measured(viewer, widget, values):
    image = viewer.add_image(np.arange(60.0).reshape(3, 4, 5), name="scan")
    old = viewer.add_labels(np.full((3, 4, 5), 1, np.uint8), name="old")
    widget.drawn.value = old
    viewer.layers.selection.active = image
    assert widget.drawn.value is old
    viewer.window._qt_viewer.layerButtons.newLabelsButton.click()
    new = viewer.layers[-1]
    assert widget.drawn.value is new
    new.data[1] = 2
    assert [row["Label"] for row in values()] == ["2"]
    viewer.layers.selection.active = old
    assert widget.drawn.value is old
    assert [row["Label"] for row in values()] == ["1"]
    viewer.window._qt_viewer.layerButtons.newShapesButton.click()
    assert widget.drawn.value is viewer.layers[-1]
    red = viewer.add_shapes(ndim=3, edge_color="red", name="red")
    assert widget.drawn.value is red
    assert red.current_edge_color == "red"


def test_cancelling_leaves_the_table_as_it_was(qtbot, viewer, widget, click):
    viewer.add_image(np.zeros((200, 200, 300), np.int16), name="scan")
    viewer.add_labels(np.ones((200, 200, 300), np.uint8))
    widget.drawn.value = viewer.layers[-1]
    click(widget.run)
    click(widget.cancel)
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    assert len(rows_of(widget)) == 0
    assert widget.message.value == "Cancelled."


def test_labels_of_a_lazy_series_are_measured_in_the_frame_shown(viewer, widget, values):
    data = np.random.default_rng(6).random((4, 3, 5, 6))
    viewer.add_image(
        da.from_array(data, chunks=(1, 1, 5, 6)),
        axis_labels=("time", "z", "y", "x"),
        scale=(2.5, 1, 1, 1),
        units=("s", "mm", "mm", "mm"),
        name="perfusion",
    )
    viewer.dims.set_current_step(0, 2)
    still = np.zeros((3, 5, 6), np.uint8)
    still[1, 2:4, 1:5] = 7
    widget.drawn.value = viewer.add_labels(still, units="mm", name="region")
    assert (
        widget.outcome.value
        == "Values will be measured in the displayed frame: time 3 of 4 (5.0 s)."
    )
    (row,) = values()
    inside = data[2][still == 7]
    assert float(row["Mean"]) == pytest.approx(inside.mean(), rel=1e-2)
    assert widget.message.value == "Values of perfusion at time 3 of 4 (5.0 s)."
    viewer.dims.set_current_step(0, 0)
    (row,) = values()
    assert float(row["Mean"]) == pytest.approx(data[0][still == 7].mean(), rel=1e-2)
    assert widget.message.value == "Values of perfusion at time 1 of 4 (0.0 s)."


def test_shapes_without_a_slice_are_measured_in_the_displayed_one(viewer, widget, values):
    data = np.arange(9.0)[:, None, None] * np.ones((9, 20, 30))
    viewer.add_image(data, name="volume")
    box = [(5, 5), (5, 9), (9, 9), (9, 5)]
    widget.drawn.value = viewer.add_shapes([box], shape_type="rectangle", name="boxes")
    for n in (3, 7):
        viewer.dims.set_current_step(0, n)
        (row,) = values()
        assert float(row["Mean"]) == n
        assert widget.message.value == f"Values of volume at slice {n + 1} of 9."


def test_painting_makes_values_go_away(qtbot, viewer, widget, values):
    viewer.add_image(np.ones((8, 9)), name="film")
    labels = viewer.add_labels(np.eye(8, 9, dtype=np.uint8), name="regions")
    widget.drawn.value = labels
    assert values()[0]["Pixels"] == "8"
    labels.paint((4, 1), 2)
    qtbot.waitUntil(lambda: rows_of(widget) == [])
    assert [row["Label"] for row in values()] == ["1", "2"]


def test_undoing_and_redoing_make_values_go_away(qtbot, viewer, widget, values):
    viewer.add_image(np.ones((4, 8, 9)), name="volume")
    labels = viewer.add_labels(np.zeros((4, 8, 9), np.uint8), name="regions")
    widget.drawn.value = labels
    labels.paint((2, 4, 1), 2)
    labels.fill((2, 4, 1), 3)
    assert [row["Label"] for row in values()] == ["3"]
    for change, left in ((labels.undo, ["2"]), (labels.undo, []), (labels.redo, ["2"])):
        change()
        qtbot.waitUntil(lambda: rows_of(widget) == [])
        assert [row["Label"] for row in values()] == left


def test_looking_elsewhere_leaves_values(qtbot, viewer, widget, values):
    viewer.add_image(np.ones((4, 8, 9)), name="volume")
    labels = viewer.add_labels(np.zeros((4, 8, 9), np.uint8), name="regions")
    widget.drawn.value = labels
    labels.paint((2, 4, 1), 2)
    assert len(values()) == 1
    viewer.dims.set_current_step(0, 3)
    viewer.dims.ndisplay = 3
    viewer.dims.ndisplay = 2
    for name, there, back in (("visible", False, True), ("contour", 1, 0), ("opacity", 0.2, 1)):
        for value in (there, back):
            setattr(labels, name, value)
    wait_until_idle()
    assert len(rows_of(widget)) == 1


def test_slow_shapes_are_measured_in_the_background(qtbot, viewer, widget, click):
    # A saw whose teeth overlap: none of its sides can be passed over.
    teeth = np.stack([np.arange(3000) % 2 * 100.0, np.arange(3000)], axis=1)
    saw = np.vstack([teeth, [(-5, 3000), (-5, 0)]])
    shapes = viewer.add_shapes([[(0, 0), (3, 4)]], shape_type="line", name="marks")
    shapes.add(saw, shape_type="polygon")
    qtbot.waitUntil(lambda: widget._task is not None)
    assert widget.cancel.native.isVisible()
    line, polygon = rows_of(widget)
    assert line["Length (px)"] == "5.00"
    assert "Area (px²)" not in polygon  # yet
    shapes.add(np.array([(0, 0), (6, 8)]), shape_type="line")  # meanwhile
    qtbot.waitUntil(lambda: len(rows_of(widget)) == 3)
    assert rows_of(widget)[2]["Length (px)"] == "10.00"
    qtbot.waitUntil(lambda: rows_of(widget)[1].get("Area (px²)"), timeout=20000)
    qtbot.waitUntil(lambda: widget._task is None)
    area = 0.5 * abs(
        np.sum(saw[:, 0] * np.roll(saw[:, 1], -1) - saw[:, 1] * np.roll(saw[:, 0], -1))
    )
    assert float(rows_of(widget)[1]["Area (px²)"]) == pytest.approx(area, rel=1e-3)
    # Cancelled, it is not begun again by itself.
    shapes.data = [*shapes.data[:1], saw + 1]
    qtbot.waitUntil(lambda: widget._task is not None)
    click(widget.cancel)
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    wait_until_idle()
    assert widget._task is None


def test_a_long_table_fits_and_scrolls_as_one(qtbot, viewer, widget, values):
    boxes = [np.add([(1, 1), (1, 3), (3, 3), (3, 1)], (0, n % 8)) for n in range(60)]
    viewer.add_image(np.full((20, 20), 12345.678), units="mm", name="film")
    viewer.add_shapes(boxes, units="mm")
    values()
    sizes, inside = widget.view.blocks
    for block in (sizes, inside):
        assert block.isVisible()
        qtbot.waitUntil(lambda block=block: not block.horizontalScrollBar().isVisible())
        for column in range(block.model().columnCount()):
            assert block.columnWidth(column) >= block.sizeHintForColumn(column)
    sizes.scrollToBottom()
    assert inside.verticalScrollBar().value() == sizes.verticalScrollBar().value() > 0
