"""The widget that shows headers, by real typing and real moves of the slider."""

import csv
import gc
import json
import threading
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Layer
from pydicom.dataset import Dataset
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit, QMessageBox

from helpers import menus
from helpers.builders import (
    make_enhanced,
    make_image,
    make_plane_position,
    make_series,
    make_sets,
    save_dataset,
    stored_slice,
    write_series,
)
from helpers.idle import wait_until_idle
from napari_medread import read, resample, tags
from napari_medread.core.geometry import Geometry
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.bridge.volume_to_layer import to_layer
from napari_medread.plugin.gui.background_task import _RUNNING_TASKS
from napari_medread.plugin.samples import find_example
from napari_medread.plugin.tags import element_values_view, tag_tree
from napari_medread.plugin.tags.slice_headers import HeaderLocation

MENU = "Layers", "Metadata", "Tags"


@pytest.fixture
def widget(viewer):
    """Return the widget, opened from the menu."""
    return menus.opened(viewer, *MENU)


@pytest.fixture
def settled(qtbot, widget):
    """Wait until the widget shows what is shown."""

    def wait():
        qtbot.waitUntil(lambda: not widget.follower.is_busy, timeout=10000)

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
        widget.search.native.clear()
        qtbot.keyClicks(widget.search.native, text)
        qtbot.waitUntil(lambda: not widget.tree.is_searching, timeout=10000)

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
    assert button.visible
    assert button.enabled
    qtbot.mouseClick(button.native, Qt.MouseButton.LeftButton)


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
    (layer,) = opened(write_series(tmp_path, make_series(slices=range(6), change=marked)))
    for step in (0, 3, 5, 1):
        viewer.dims.set_current_step(0, step)
        settled()
        assert float(shown(widget, "Slice Location")) == slice_shown(layer) * 1000
        assert f"Slice {step + 1} of 6: IM" in widget.where.value
        assert Path(layer.metadata["source"][step]).name in widget.where.value
    # A layer that was moved still shows its own slices.
    layer.translate = np.add(layer.translate, (17.0, 0, 0))
    viewer.dims.set_current_step(0, 2)
    settled()
    assert float(shown(widget, "Slice Location")) == slice_shown(layer) * 1000
    volume = volume_from_layer(layer, viewer).volume
    assert float(tags(volume, 2)["SliceLocation"].value) == slice_shown(layer) * 1000
    # In another plane all slices are on the screen.
    viewer.dims.order = (1, 0, 2)
    settled()
    assert "crosses all slices" in widget.where.value
    assert "Slice 3 of 6" in widget.where.value
    # What is cut out, flipped and moved as a whole still knows its images.
    (read_again,) = read(tmp_path)
    cut = replace(
        read_again,
        data=read_again.data[4:1:-1],
        geometry=flipped(read_again.geometry, (4, 3)),
    )
    viewer.layers.clear()
    viewer.dims.order = (0, 1, 2)
    part = viewer.add_layer(Layer.create(*to_layer(cut)))
    for step in range(3):
        viewer.dims.set_current_step(0, step)
        settled()
        assert float(shown(widget, "Slice Location")) == slice_shown(part) * 1000
        assert f"Slice {step + 1} of 3: IM" in widget.where.value  # as the slider goes
    # Of what was laid on another grid only the first file is known.
    viewer.layers.clear()
    viewer.add_layer(Layer.create(*to_layer(resample(read_again))))
    settled()
    assert "This layer was made from other layers" in widget.where.value
    assert not widget.over_slices.enabled


def test_it_follows_time_frames_and_the_active_layer(viewer, widget, opened, settled, tmp_path):
    def change(t, n, ds):
        ds.TemporalPositionIdentifier = t + 1
        ds.AcquisitionTime = f"10000{t}"
        marked(n + 4 * t, ds)

    (timed,) = opened(write_series(tmp_path / "timed", make_sets(3, change)))
    for step in ((0, 0, 0, 0), (2, 1, 0, 0), (1, 3, 0, 0)):
        viewer.dims.current_step = step
        settled()
        assert float(shown(widget, "Slice Location")) == slice_shown(timed) * 1000
        assert f"Time {step[0] + 1} of 3, slice {step[1] + 1} of 4: " in widget.where.value
    path = save_dataset(
        make_enhanced([make_plane_position(n) for n in (2, 0, 3, 1)]), tmp_path / "frames.dcm"
    )
    (frames,) = opened(path)
    assert "frames.dcm, frame" in widget.where.value
    for step in range(4):
        viewer.dims.set_current_step(1, step)
        settled()
        frame = slice_shown(frames)
        assert f"frame {frame + 1}." in widget.where.value
        wanted = make_plane_position((2, 0, 3, 1)[frame])["PlanePositionSequence"][
            "ImagePositionPatient"
        ]
        found = shown(widget, "Image Position (Patient)").split("\\")
        assert [float(n) for n in found] == pytest.approx(wanted)
    viewer.layers.selection.active = timed
    settled()
    assert "Time" in widget.where.value


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
    opened(find_example("ct_thorax"))
    everything = rows(widget)
    for text, wanted in TYPED.items():
        typed(text)
        assert rows(widget) == wanted
        said = f"{len(wanted)} found" if wanted else "Nothing found in this header."
        assert widget.element_count.value == said
    widget.search.native.clear()
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
    opened(write_series(tmp_path, make_series(change=marked)))
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
    opened(write_series(tmp_path, make_series(change=marked)))
    tree = widget.tree
    widget.native.setFixedHeight(400)
    wait_until_idle()
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
    qtbot.keyClicks(widget.search.native, "rows")
    assert rows(widget) == ["Rows"]
    widget.search.native.clear()
    assert tree.currentIndex().siblingAtColumn(1).data() == name


def test_an_element_of_every_slice(qtbot, viewer, widget, opened, tmp_path):
    (layer,) = opened(write_series(tmp_path, make_series(slices=range(6), change=marked)))
    click_row(qtbot, widget.tree, index_named(widget.tree, "Slice Location"))
    click(qtbot, widget.over_slices)
    qtbot.waitUntil(widget.values_view.table.isVisible, timeout=10000)
    model = widget.values_view.table.model()
    found = [[model.index(row, column).data() for column in (0, 1)] for row in range(6)]
    wanted = [int(plane.min()) // 256 * 1000 for plane in np.asarray(layer.data)]
    assert [row for row, _ in found] == [str(n) for n in range(1, 7)]
    assert [float(value) for _, value in found] == wanted
    assert widget.values_view.plot.isVisible()
    assert "6 slices, 6 different values" in widget.values_view.title.value
    drawn = widget.values_view.plot.grab().toImage()
    assert len({drawn.pixel(x, y) for x in range(0, drawn.width(), 3)
                for y in range(drawn.height())}) > 2  # fmt: skip
    click(qtbot, widget.values_view.copy)
    assert QApplication.clipboard().text().splitlines()[0] == "slice\tSlice Location"
    # Text is not plotted; elements inside sequences are listed too.
    tree = widget.tree
    sequence = index_named(tree, "Referenced Image Sequence")
    tree.expand(sequence)
    tree.expand(tree.model().index(0, 0, sequence))
    click_row(qtbot, tree, index_named(tree, "Referenced SOP Instance UID"))
    click(qtbot, widget.over_slices)
    qtbot.waitUntil(widget.values_view.table.isVisible, timeout=10000)
    assert not widget.values_view.plot.isVisible()
    model = widget.values_view.table.model()
    assert [model.index(n, 1).data() for n in range(6)] == [f"1.2.3.{n // 1000}" for n in wanted]
    click(qtbot, widget.values_view.cancel)
    assert not widget.values_view.visible


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
    opened(find_example("ct_thorax"))
    assert "patient" in widget.export.tooltip
    answer(tmp_path / "header", "JSON")
    click(qtbot, widget.export)
    found = json.loads((tmp_path / "header.json").read_text("utf-8"))
    assert {"tag": "(0010,0020)", "name": "Patient ID", "vr": "LO", "value": "PHANTOM"} in found
    assert "patient" in widget.message.value
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
    assert widget.where.value == "Select one image layer to see its header."
    assert not widget.export.enabled
    viewer.add_image(np.zeros((4, 5, 6)), name="cells")
    settled()
    assert widget.where.value.startswith("cells: no file is known for this layer.")
    viewer.add_points(np.zeros((1, 3)), name="spots")
    settled()
    assert widget.where.value.startswith("spots: no file is known")
    folder = write_series(tmp_path / "gone", make_series())
    (layer,) = opened(folder)
    viewer.dims.set_point(0, layer.data_to_world((1, 0, 0))[0])
    settled()
    assert rows(widget)
    for file in folder.iterdir():
        file.unlink()
    viewer.dims.set_point(0, layer.data_to_world((2, 0, 0))[0])
    settled()
    assert "the file has been moved or deleted" in widget.where.value
    assert rows(widget) == []  # no other slice's header is left
    # Keys of other formats; the picture has none.
    opened(find_example("chest_ct.mhd"))
    assert "chest_ct.mhd" in widget.where.value
    assert shown(widget, "ElementType")
    assert widget.tree.isColumnHidden(0)
    assert not widget.over_slices.enabled
    opened(find_example("chest_section.png"))
    assert widget.where.value.startswith("chest_section.png: ")
    assert rows(widget) == []
    viewer.layers.clear()
    settled()
    assert widget.where.value == "Select one image layer to see its header."


def test_outside_of_the_layer_there_is_no_header(viewer, widget, opened, settled, tmp_path):
    (layer,) = opened(write_series(tmp_path, make_series(change=marked)))
    viewer.add_image(np.zeros((200, 5, 6)), scale=(5, 1, 1), units="mm", name="longer")
    viewer.layers.selection.active = layer
    settled()  # what follows new layers would lead back to one if the canvas showed none
    viewer.dims.set_point(0, viewer.dims.range[0].stop)
    settled()
    assert "outside this layer" in widget.where.value
    assert rows(widget) == []


def test_slices_that_are_passed_at_once_need_no_header(viewer, widget, opened, settled):
    (layer,) = opened(find_example("ct_thorax"))
    assert layer.data.shape[0] == 60
    settled()
    shown_headers = []
    widget.tree.model().modelReset.connect(lambda: shown_headers.append(1))
    for step in range(60):
        viewer.dims.set_current_step(0, step)
    assert not shown_headers
    settled()
    assert "Slice 60 of 60" in widget.where.value
    assert 1 <= len(shown_headers) <= 2


def test_five_thousand_elements_are_searched(viewer, widget, opened, typed, tmp_path):
    items = []
    for n in range(1000):
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.3", f"1.2.3.{n}"
        item.ReferencedFrameNumber = n
        items.append(item)
    path = save_dataset(
        make_image(stored_slice(0), ReferencedImageSequence=items), tmp_path / "a.dcm"
    )
    opened(path)
    typed("1.2.3.77")
    assert widget.element_count.value == "11 found"


def many(count):
    """Return items of a sequence, each with a number and a text of its own."""
    found = []
    for n in range(count):
        item = Dataset()
        item.ReferencedFrameNumber = n
        item.ReferencedSOPInstanceUID = f"1.2.3.{n}"
        found.append(item)
    return found


@pytest.fixture
def wide(opened, tmp_path):
    """Open an image with a sequence of 1,200 items."""
    ds = make_image(stored_slice(0), ReferencedImageSequence=many(1200))
    return opened(save_dataset(ds, tmp_path / "wide.dcm"))[0]


def test_a_long_sequence_is_opened_in_groups(qtbot, viewer, widget, wide, settled, typed):
    tree = widget.tree
    click_row(qtbot, tree, index_named(tree, "Referenced Image Sequence"))
    qtbot.keyClick(tree, Qt.Key.Key_Right)
    qtbot.keyClick(tree, Qt.Key.Key_Down)
    group = tree.currentIndex()
    assert group.siblingAtColumn(0).data() == "1 to 500 of 1,200"
    assert not widget.copy_value.enabled
    # All below it would be thousands: only as many are opened as Qt lays out at once.
    tree.setCurrentIndex(group.parent())
    qtbot.keyClick(tree, Qt.Key.Key_Asterisk)
    assert tree.isExpanded(group)
    assert tree.isExpanded(tree.model().index(2, 0, group))
    assert not tree.isExpanded(tree.model().index(400, 0, group))
    # What is opened stays open, what is chosen stays chosen, through a search and back.
    tree.collapse(group)
    last = group.siblingAtRow(2)
    tree.expand(last)
    item = tree.model().index(199, 0, last)
    tree.expand(item)
    click_row(qtbot, tree, tree.model().index(0, 0, item))
    qtbot.keyClick(tree, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text().endswith("1.2.3.1199")
    typed("1.2.3.1199")
    assert widget.element_count.value == "1 found"
    assert tree.currentIndex().siblingAtColumn(3).data() == "1.2.3.1199"
    typed("referenced frame")
    assert widget.element_count.value == "1,200 found; the first 500 are shown"
    widget.search.native.clear()
    assert tree.currentIndex().siblingAtColumn(3).data() == "1.2.3.1199"
    assert tree.isExpanded(tree.currentIndex().parent().parent())


def test_a_long_search_lets_the_window_live(
    qtbot, viewer, widget, wide, settled, opened, monkeypatch, tmp_path
):
    monkeypatch.setattr(tag_tree, "_SEARCH_TIME_S", 0.0)
    other, _ = opened(write_series(tmp_path / "other", make_series(change=marked))), settled()
    everything = rows(widget)
    viewer.layers.selection.active = wide
    settled()
    turns = []
    widget.tree.search_changed.connect(lambda: turns.append(widget.element_count.value))
    qtbot.keyClicks(widget.search.native, "1.2.3.11")
    # Typing goes on while it searches, and only the last word counts.
    assert widget.element_count.value == "Searching…"
    assert rows(widget)
    qtbot.waitUntil(lambda: not widget.tree.is_searching)
    assert turns == ["Searching…"] * 8 + ["111 found"]
    # Another header meanwhile: nothing of the one before is left to be read.
    qtbot.keyClicks(widget.search.native, "5")
    assert widget.tree.is_searching
    viewer.layers.selection.active = other[0]
    settled()
    qtbot.waitUntil(lambda: not widget.tree.is_searching)
    assert rows(widget) == []
    assert "other" not in widget.element_count.value
    widget.search.native.clear()
    assert rows(widget) == everything


def test_no_value_of_another_slice_is_left_during_a_search(
    qtbot, viewer, widget, opened, settled, typed, monkeypatch, tmp_path
):
    def change(n, ds):
        ds.SliceLocation = n * 1000
        ds.ReferencedImageSequence = many(200)

    (layer,) = opened(write_series(tmp_path, make_series(change=change)))
    typed("slice location")
    assert rows(widget) == ["Slice Location"]
    monkeypatch.setattr(tag_tree, "_SEARCH_TIME_S", 0.0)
    seen = []

    def look():
        if widget.tree.is_searching:
            seen.append((widget.where.value.split("\n")[1][:7], rows(widget)))

    widget.tree.search_changed.connect(look)
    viewer.dims.set_current_step(0, 3)
    settled()
    qtbot.waitUntil(lambda: not widget.tree.is_searching)
    assert seen == [("Slice 4", [])]
    assert float(shown(widget, "Slice Location")) == slice_shown(layer) * 1000


def test_what_was_closed_around_the_chosen_element_stays_closed(
    qtbot, viewer, widget, opened, settled, tmp_path
):
    opened(write_series(tmp_path, make_series(change=marked)))
    tree = widget.tree
    sequence = index_named(tree, "Referenced Image Sequence")
    tree.expand(sequence)
    click_row(qtbot, tree, tree.model().index(0, 0, sequence))
    tree.collapse(sequence)
    for step in (0, 3):
        viewer.dims.set_current_step(0, step)
        settled()
        assert not tree.isExpanded(index_named(tree, "Referenced Image Sequence"))


def test_a_slow_header_is_told_of(qtbot, viewer, widget, opened, settled, monkeypatch, tmp_path):
    opened(write_series(tmp_path, make_series(change=marked)))
    go_on, read_it = threading.Event(), HeaderLocation.read
    monkeypatch.setattr(HeaderLocation, "read", lambda *a: go_on.wait(20) and read_it(*a))
    viewer.dims.set_current_step(0, 3)
    qtbot.waitUntil(lambda: widget.where.value.startswith("Reading"), timeout=10000)
    assert rows(widget) == []
    # Meanwhile the slider has moved on.
    viewer.dims.set_current_step(0, 1)
    go_on.set()
    settled()
    qtbot.waitUntil(lambda: "Slice 2 of" in widget.where.value, timeout=10000)
    assert float(shown(widget, "Slice Location")) == slice_shown(viewer.layers[0]) * 1000


def test_a_lazy_layer_is_followed_and_its_pixels_are_left_alone(
    viewer, widget, settled, monkeypatch, tmp_path
):
    (volume,) = read(write_series(tmp_path, make_series(change=marked)), lazy=True)
    layer = viewer.add_layer(Layer.create(*to_layer(volume)))
    assert not isinstance(layer.data, np.ndarray)
    for step in (0, 3):
        viewer.dims.set_current_step(0, step)
        settled()
        assert float(shown(widget, "Slice Location")) == slice_shown(layer) * 1000

    def fails(*_):
        raise AssertionError("pixels were read")

    viewer.layers.selection.active = None
    settled()
    monkeypatch.setattr("napari_medread.dicom.pixels.filled_planes.read_stored_values", fails)
    viewer.layers.selection.active = layer
    settled()
    assert rows(widget)


def test_two_viewers_are_followed_each_by_its_own(
    qtbot, viewer, widget, opened, settled, make_napari_viewer, tmp_path
):
    opened(write_series(tmp_path / "a", make_series(change=marked)))
    viewer.dims.set_current_step(0, 1)
    second = make_napari_viewer(show=True)
    second.open(
        write_series(tmp_path / "b", make_series(SeriesDescription="B", change=marked)),
        plugin="napari-medread",
    )
    other = menus.opened(second, *MENU)
    assert other is not widget

    def both():
        settled()
        qtbot.waitUntil(lambda: not other.follower.is_busy, timeout=10000)
        return [
            (each.where.value.split("\n")[0], float(shown(each, "Slice Location")))
            for each in (widget, other)
        ]

    second.dims.set_current_step(0, 3)
    qtbot.waitUntil(lambda: bool(rows(other)), timeout=10000)
    wanted = [slice_shown(each.layers[0]) * 1000 for each in (viewer, second)]
    assert both() == [("4 Test series", wanted[0]), ("4 B", wanted[1])]
    # Both sliders at once; and a search in one of them.
    viewer.dims.set_current_step(0, 0)
    second.dims.set_current_step(0, 2)
    qtbot.keyClicks(other.search.native, "slice location")
    wanted = [slice_shown(each.layers[0]) * 1000 for each in (viewer, second)]
    assert both() == [("4 Test series", wanted[0]), ("4 B", wanted[1])]
    assert len(rows(widget)) > len(rows(other)) == 1
    # One is closed: the other goes on, and nothing keeps what is gone.
    gone = [weakref.ref(second), weakref.ref(second.layers[0]), weakref.ref(other)]
    close(second, "Tags")
    other = None
    second.close()
    second = None
    viewer.dims.set_current_step(0, 2)
    settled()
    assert float(shown(widget, "Slice Location")) == slice_shown(viewer.layers[0]) * 1000
    wait_until_idle()
    gc.collect()
    assert gone[1]() is None
    assert gone[2]() is None


def close(viewer, name):
    """Close a panel by its dock's button."""
    (dock,) = (d for n, d in viewer.window._wrapped_dock_widgets.items() if name in n)
    dock.destroyOnClose()


def test_a_renamed_layer_and_one_that_is_deleted(
    qtbot, viewer, widget, opened, settled, monkeypatch, tmp_path
):
    folder = write_series(tmp_path, make_series(change=marked))
    (layer,) = opened(folder)
    layer.name = "mine"
    settled()
    assert widget.where.value.startswith("mine\n")
    # It is deleted while a list of its slices is made.
    go_on, listed = threading.Event(), element_values_view.read_element_values
    monkeypatch.setattr(
        element_values_view, "read_element_values", lambda *a: go_on.wait(20) and listed(*a)
    )
    click_row(qtbot, widget.tree, index_named(widget.tree, "Slice Location"))
    click(qtbot, widget.over_slices)
    assert widget.values_view.is_reading
    assert widget.values_view.progress.visible
    viewer.layers.remove(layer)
    settled()
    assert not widget.values_view.is_reading
    go_on.set()
    qtbot.waitUntil(lambda: not _RUNNING_TASKS, timeout=10000)
    wait_until_idle()
    assert not widget.values_view.visible
    assert rows(widget) == []
    assert not widget.export.enabled
    # The files go while they are listed.
    opened(folder)
    click_row(qtbot, widget.tree, index_named(widget.tree, "Slice Location"))
    for file in folder.iterdir():
        file.unlink()
    click(qtbot, widget.over_slices)
    qtbot.waitUntil(lambda: not widget.values_view.is_reading, timeout=10000)
    assert "has been moved or deleted" in widget.message.value
    assert not widget.values_view.visible


def test_it_keeps_nothing_alive(qtbot, viewer, widget, opened, settled, tmp_path):
    (layer,) = opened(write_series(tmp_path, make_series(change=marked)))
    data = layer.data
    refs = [weakref.ref(layer), weakref.ref(data)]
    del layer, data
    viewer.layers.clear()
    settled()
    wait_until_idle()  # napari removes its controls a little later
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


def test_nothing_keeps_a_closed_panel(qtbot, viewer, tmp_path):
    viewer.open(write_series(tmp_path, make_series(change=marked)), plugin="napari-medread")
    panel = menus.opened(viewer, *MENU)
    qtbot.waitUntil(lambda: bool(rows(panel)), timeout=10000)
    click_row(qtbot, panel.tree, index_named(panel.tree, "Slice Location"))
    click(qtbot, panel.over_slices)
    qtbot.keyClicks(panel.search.native, "s")
    viewer.dims.set_current_step(0, 3)
    # Closed while it reads.
    gone = weakref.ref(panel)
    panel = None
    close(viewer, "Tags")
    qtbot.waitUntil(lambda: not _RUNNING_TASKS, timeout=10000)
    wait_until_idle()
    gc.collect()
    assert gone() is None


def test_it_opens_again_and_is_silent_once_closed(qtbot, viewer, widget, opened, tmp_path):
    (layer,) = opened(write_series(tmp_path, make_series(change=marked)))
    viewer.window.remove_dock_widget(widget.native)
    viewer.dims.set_current_step(0, 0)
    layer.name = "other"
    assert not widget.follower.is_busy
    menus.action(viewer, *MENU).trigger()
    (dock,) = (d for n, d in viewer.window._wrapped_dock_widgets.items() if "Tags" in n)
    again = dock.inner_widget()
    assert again is not widget
    qtbot.waitUntil(lambda: bool(rows(again)), timeout=5000)
    assert again.where.value.startswith("other\nSlice 1 of 4")
