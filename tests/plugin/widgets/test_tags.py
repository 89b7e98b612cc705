"""The widget that shows headers, by real typing and real moves of the slider."""

import csv
import gc
import json
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Layer
from pydicom.dataset import Dataset
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit, QMessageBox

from builders import enhanced, image, placed, save, series, sets, stored_slice, write_series
from napari_medread import read, resample, tags
from napari_medread.core.geometry import Geometry
from napari_medread.plugin.layers import layer_of
from napari_medread.plugin.samples import example
from napari_medread.plugin.volumes import volume_of_layer
from plugin.widgets import menus

MENU = "Layers", "Metadata", "Tags"


@pytest.fixture
def widget(viewer):
    """Return the widget, opened from the menu."""
    return menus.opened(viewer, *MENU)


@pytest.fixture
def settled(qtbot, widget):
    """Wait until the widget shows what is shown."""

    def wait():
        qtbot.waitUntil(
            lambda: not widget._timer.isActive() and widget._reading is None, timeout=10000
        )

    return wait


@pytest.fixture
def opened(viewer, settled):
    """Open a path and wait for its header."""

    def open_(path):
        layers = viewer.open(path, plugin="napari-medread")
        settled()
        return layers

    return open_


@pytest.fixture
def typed(qtbot, widget):
    """Type into the search box."""

    def type_(text):
        widget.search.clear()
        qtbot.keyClicks(widget.search, text)

    return type_


def index_named(tree, name, column=1):
    """Return the index of a row by what it shows in a column, wherever it is."""
    model, waiting = tree.model(), [tree.rootIndex()]
    while waiting:
        parent = waiting.pop(0)
        for row in range(model.rowCount(parent)):
            index = model.index(row, 0, parent)
            if index.siblingAtColumn(column).data() == name:
                return index
            waiting.append(index)
    raise LookupError(name)


def shown(widget, name):
    """Return the value that the tree shows for a name."""
    return index_named(widget.tree, name).siblingAtColumn(3).data()


def rows(widget):
    """Return the names at the top of the tree."""
    model = widget.tree.model()
    return [model.index(n, 1).data() for n in range(model.rowCount())]


def click_row(qtbot, tree, index):
    tree.scrollTo(index)
    place = tree.visualRect(index).center()
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert tree.currentIndex().row() == index.row()


def click(qtbot, button):
    assert button.isVisible()
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def marked(n, ds):
    ds.SliceLocation = n * 1000
    item = Dataset()
    item.ReferencedSOPInstanceUID = f"1.2.3.{n}"
    ds.ReferencedImageSequence = [item]


def flipped(geometry, cut):
    """Return a geometry from one slice backwards to another, as ``data[last:first-1:-1]``."""
    last, count = cut
    affine = np.array(geometry.affine)
    affine[:, 3] = affine @ [last, 0, 0, 1]
    affine[:, 0] *= -1
    return Geometry((count, *geometry.shape[1:]), affine, geometry.slice_axis)


def slice_shown(layer):
    """Return the number of the slice whose stored values napari draws."""
    return int(np.asarray(layer._slice.image.raw).min()) // 256


def test_it_follows_the_slider(qtbot, viewer, widget, opened, settled, tmp_path):
    (layer,) = opened(write_series(tmp_path, series(slices=range(6), change=marked)))
    for step in (0, 3, 5, 1):
        viewer.dims.set_current_step(0, step)
        settled()
        assert float(shown(widget, "Slice Location")) == slice_shown(layer) * 1000
        assert f"Slice {step} of 0 to 5: IM" in widget.where.text()
        assert Path(layer.metadata["source"][step]).name in widget.where.text()
    # A layer that was moved still shows its own slices.
    layer.translate = np.add(layer.translate, (17.0, 0, 0))
    viewer.dims.set_current_step(0, 2)
    settled()
    assert float(shown(widget, "Slice Location")) == slice_shown(layer) * 1000
    volume = volume_of_layer(layer, viewer).volume
    assert float(tags(volume, 2)["SliceLocation"].value) == slice_shown(layer) * 1000
    # In another plane all slices are on the screen.
    viewer.dims.order = (1, 0, 2)
    settled()
    assert "crosses all slices" in widget.where.text()
    assert "Slice 2 of 0 to 5" in widget.where.text()
    # What is cut out, flipped and moved as a whole still knows its images.
    (read_again,) = read(tmp_path)
    cut = replace(
        read_again,
        data=read_again.data[4:1:-1],
        geometry=flipped(read_again.geometry, (4, 3)),
    )
    viewer.layers.clear()
    viewer.dims.order = (0, 1, 2)
    part = viewer.add_layer(Layer.create(*layer_of(cut)))
    for step in range(3):
        viewer.dims.set_current_step(0, step)
        settled()
        assert float(shown(widget, "Slice Location")) == slice_shown(part) * 1000
    # Of what was laid on another grid only the first file is known.
    viewer.layers.clear()
    viewer.add_layer(Layer.create(*layer_of(resample(read_again))))
    settled()
    assert "The layer was made of others" in widget.where.text()
    assert not widget.over_slices.isEnabled()


def test_it_follows_time_frames_and_the_active_layer(viewer, widget, opened, settled, tmp_path):
    def change(t, n, ds):
        ds.TemporalPositionIdentifier = t + 1
        ds.AcquisitionTime = f"10000{t}"
        marked(n + 4 * t, ds)

    (timed,) = opened(write_series(tmp_path / "timed", sets(3, change)))
    for step in ((0, 0, 0, 0), (2, 1, 0, 0), (1, 3, 0, 0)):
        viewer.dims.current_step = step
        settled()
        assert float(shown(widget, "Slice Location")) == slice_shown(timed) * 1000
        assert f"Time {step[0]} of 0 to 2, slice {step[1]}" in widget.where.text().replace(
            "Slice", "slice"
        )
    path = save(enhanced([placed(n) for n in (2, 0, 3, 1)]), tmp_path / "frames.dcm")
    (frames,) = opened(path)
    assert "frames.dcm, frame" in widget.where.text()
    for step in range(4):
        viewer.dims.set_current_step(1, step)
        settled()
        frame = slice_shown(frames)
        assert f"frame {frame + 1}." in widget.where.text()
        wanted = placed((2, 0, 3, 1)[frame])["PlanePositionSequence"]["ImagePositionPatient"]
        found = shown(widget, "Image Position (Patient)").split("\\")
        assert [float(n) for n in found] == pytest.approx(wanted)
    viewer.layers.selection.active = timed
    settled()
    assert "Time" in widget.where.text()


TYPED = {
    "0008,0070": ["Manufacturer"],
    "(0008|0070)": ["Manufacturer"],
    "00080070": ["Manufacturer"],
    "0008 0070": ["Manufacturer"],
    "manufacturer": ["Manufacturer", "Manufacturer's Model Name"],
    "SOFT tissue\\": ["Window Center & Width Explanation"],
    "no such thing": [],
}


def test_typing_finds_it(qtbot, widget, opened, typed):
    opened(example("ct_thorax"))
    everything = rows(widget)
    for text, wanted in TYPED.items():
        typed(text)
        assert rows(widget) == wanted
        said = f"{len(wanted)} found" if wanted else "Nothing found in this header."
        assert widget.count.text() == said
    widget.search.clear()
    assert rows(widget) == everything
    # Copying what was found.
    typed("0008,0070")
    click_row(qtbot, widget.tree, index_named(widget.tree, "Manufacturer"))
    click(qtbot, widget.copy_value)
    assert QApplication.clipboard().text() == "napari-medread"
    click(qtbot, widget.copy_row)
    row = "(0008,0070)\tManufacturer\tLO\tnapari-medread"
    assert QApplication.clipboard().text() == row
    QApplication.clipboard().clear()
    qtbot.keyClick(widget.tree, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == row


def test_what_is_found_inside_a_sequence_is_shown_with_its_parents(
    qtbot, viewer, widget, opened, settled, typed, tmp_path
):
    opened(write_series(tmp_path, series(change=marked)))
    viewer.dims.set_current_step(0, 1)
    settled()
    typed("referenced sop instance")
    assert rows(widget) == ["Referenced Image Sequence"]
    name = "Referenced SOP Instance UID"
    assert widget.tree.visualRect(index_named(widget.tree, name)).height() > 0  # opened
    before = shown(widget, name)
    viewer.dims.set_current_step(0, 2)
    settled()
    assert rows(widget) == ["Referenced Image Sequence"]
    assert shown(widget, name) != before
    assert widget.tree.visualRect(index_named(widget.tree, name)).height() > 0


def test_what_is_open_chosen_and_in_view_stays(qtbot, viewer, widget, opened, settled, tmp_path):
    opened(write_series(tmp_path, series(change=marked)))
    tree = widget.tree
    widget.setFixedHeight(400)
    qtbot.wait(50)
    name = "Referenced SOP Instance UID"
    sequence = index_named(tree, "Referenced Image Sequence")
    tree.expand(sequence)
    tree.expand(tree.model().index(0, 0, sequence))
    click_row(qtbot, tree, index_named(tree, name))
    tree.verticalScrollBar().setValue(3)
    for step in (1, 3):
        viewer.dims.set_current_step(0, step)
        settled()
        assert tree.currentIndex().siblingAtColumn(1).data() == name
        assert tree.isExpanded(tree.currentIndex().parent())
        assert tree.verticalScrollBar().value() == 3
    # A search and back.
    qtbot.keyClicks(widget.search, "rows")
    assert rows(widget) == ["Rows"]
    widget.search.clear()
    assert tree.currentIndex().siblingAtColumn(1).data() == name


def test_an_element_of_every_slice(qtbot, viewer, widget, opened, tmp_path):
    (layer,) = opened(write_series(tmp_path, series(slices=range(6), change=marked)))
    click_row(qtbot, widget.tree, index_named(widget.tree, "Slice Location"))
    click(qtbot, widget.over_slices)
    qtbot.waitUntil(widget.series.table.isVisible, timeout=10000)
    model = widget.series.table.model()
    found = [[model.index(row, column).data() for column in (0, 1)] for row in range(6)]
    wanted = [int(plane.min()) // 256 * 1000 for plane in np.asarray(layer.data)]
    assert [row for row, _ in found] == [str(n) for n in range(6)]
    assert [float(value) for _, value in found] == wanted
    assert widget.series.plot.isVisible()
    assert "6 slices, 6 different values" in widget.series.title.text()
    drawn = widget.series.plot.grab().toImage()
    assert len({drawn.pixel(x, y) for x in range(0, drawn.width(), 3)
                for y in range(drawn.height())}) > 2  # fmt: skip
    click(qtbot, widget.series.copy)
    assert QApplication.clipboard().text().splitlines()[0] == "slice\tSlice Location"
    # Text is not plotted; elements inside sequences are listed too.
    tree = widget.tree
    sequence = index_named(tree, "Referenced Image Sequence")
    tree.expand(sequence)
    tree.expand(tree.model().index(0, 0, sequence))
    click_row(qtbot, tree, index_named(tree, "Referenced SOP Instance UID"))
    click(qtbot, widget.over_slices)
    qtbot.waitUntil(widget.series.table.isVisible, timeout=10000)
    assert not widget.series.plot.isVisible()
    model = widget.series.table.model()
    assert [model.index(n, 1).data() for n in range(6)] == [f"1.2.3.{n // 1000}" for n in wanted]
    click(qtbot, widget.series.cancel)
    assert not widget.series.isVisible()


def answer(path, kind, *, agree=None, answers=None):
    """Fill the dialog that comes up, and the question whether to replace a file."""

    def fill():
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QFileDialog)
        dialog.selectNameFilter(next(f for f in dialog.nameFilters() if kind in f))
        dialog.filterSelected.emit(dialog.selectedNameFilter())
        (line,) = (w for w in dialog.findChildren(QLineEdit) if w.isVisible())
        line.setText(str(path))
        if agree is not None:
            QTimer.singleShot(200, decide)
        dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Save).click()

    def decide():
        box = QApplication.activeModalWidget()
        answers.append(isinstance(box, QMessageBox))
        if isinstance(box, QMessageBox):
            yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
            box.button(yes if agree else no).click()
        if not agree:
            QTimer.singleShot(100, QApplication.activeModalWidget().reject)

    QTimer.singleShot(300, fill)


def test_exporting(qtbot, viewer, widget, opened, tmp_path):
    opened(example("ct_thorax"))
    assert "patient" in widget.export.toolTip()
    answer(tmp_path / "header", "JSON")
    click(qtbot, widget.export)
    found = json.loads((tmp_path / "header.json").read_text("utf-8"))
    assert {"tag": "(0010,0020)", "name": "Patient ID", "vr": "LO", "value": "PHANTOM"} in found
    assert "patient" in widget.message.text()
    answer(tmp_path / "header", "CSV")
    click(qtbot, widget.export)
    path = tmp_path / "header.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert ["(0010,0020)", "Patient ID", "LO", "PHANTOM"] in list(csv.reader(file))
    # It asks before it replaces a file, whose name it has completed itself.
    for agree in (False, True):
        path.write_text("before")
        answers = []
        answer(tmp_path / "header", "CSV", agree=agree, answers=answers)
        click(qtbot, widget.export)
        assert answers == [True]
        assert (path.read_text("utf-8") != "before") is agree


def test_layers_without_a_header(qtbot, viewer, widget, opened, settled, tmp_path):
    settled()
    assert widget.where.text() == "Select one image layer to see its header."
    assert not widget.export.isEnabled()
    viewer.add_image(np.zeros((4, 5, 6)), name="cells")
    settled()
    assert widget.where.text().startswith("cells: no file is known for this layer.")
    viewer.add_points(np.zeros((1, 3)), name="spots")
    settled()
    assert widget.where.text().startswith("spots: no file is known")
    folder = write_series(tmp_path / "gone", series())
    (layer,) = opened(folder)
    viewer.dims.set_point(0, layer.data_to_world((1, 0, 0))[0])
    settled()
    assert rows(widget)
    for file in folder.iterdir():
        file.unlink()
    viewer.dims.set_point(0, layer.data_to_world((2, 0, 0))[0])
    settled()
    assert "the file is no longer where it was" in widget.where.text()
    assert rows(widget) == []  # no other slice's header is left
    # Keys of other formats; the picture has none.
    opened(example("chest_ct.mhd"))
    assert "chest_ct.mhd" in widget.where.text()
    assert shown(widget, "ElementType")
    assert widget.tree.isColumnHidden(0)
    assert not widget.over_slices.isEnabled()
    opened(example("chest_section.png"))
    assert widget.where.text().startswith("chest_section.png: ")
    assert rows(widget) == []
    viewer.layers.clear()
    settled()
    assert widget.where.text() == "Select one image layer to see its header."


def test_outside_of_the_layer_there_is_no_header(viewer, widget, opened, settled, tmp_path):
    (layer,) = opened(write_series(tmp_path, series(change=marked)))
    viewer.add_image(np.zeros((200, 5, 6)), scale=(5, 1, 1), units="mm", name="longer")
    viewer.layers.selection.active = layer
    viewer.dims.set_point(0, viewer.dims.range[0].stop)
    settled()
    assert "outside of this layer" in widget.where.text()
    assert rows(widget) == []


def test_slices_that_are_passed_at_once_need_no_header(viewer, widget, opened, settled):
    (layer,) = opened(example("ct_thorax"))
    assert layer.data.shape[0] == 60
    settled()
    shown_headers = []
    widget.tree.model().modelReset.connect(lambda: shown_headers.append(1))
    for step in range(60):
        viewer.dims.set_current_step(0, step)
    assert not shown_headers
    settled()
    assert "Slice 59 of 0 to 59" in widget.where.text()
    assert 1 <= len(shown_headers) <= 2


def test_five_thousand_elements_are_searched(viewer, widget, opened, typed, tmp_path):
    items = []
    for n in range(1000):
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.3", f"1.2.3.{n}"
        item.ReferencedFrameNumber = n
        items.append(item)
    path = save(image(stored_slice(0), ReferencedImageSequence=items), tmp_path / "a.dcm")
    opened(path)
    typed("1.2.3.77")
    assert widget.count.text() == "11 found"


def test_it_keeps_nothing_alive(qtbot, viewer, widget, opened, settled, tmp_path):
    (layer,) = opened(write_series(tmp_path, series(change=marked)))
    data = layer.data
    refs = [weakref.ref(layer), weakref.ref(data)]
    del layer, data
    viewer.layers.clear()
    settled()
    qtbot.wait(100)  # napari removes its controls a little later
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


def test_it_opens_again_and_is_silent_once_closed(qtbot, viewer, widget, opened, tmp_path):
    (layer,) = opened(write_series(tmp_path, series(change=marked)))
    viewer.window.remove_dock_widget(widget)
    viewer.dims.set_current_step(0, 0)
    layer.name = "other"
    assert not widget._timer.isActive()
    assert widget._reading is None
    menus.action(viewer, *MENU).trigger()
    (dock,) = (d for n, d in viewer.window._wrapped_dock_widgets.items() if "Tags" in n)
    again = dock.inner_widget()
    assert again is not widget
    qtbot.waitUntil(lambda: bool(rows(again)), timeout=5000)
    assert again.where.text().startswith("other\nSlice 0 of 0 to 3")
