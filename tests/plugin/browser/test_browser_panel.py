"""The series browser, by real clicks, keys and drops in a real viewer."""

import gc
import threading
import weakref

import dask.array as da
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread
from qtpy.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QImage
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit

from helpers.builders import (
    ORIENTATIONS,
    find_slice_position,
    make_image,
    make_series,
    make_sets,
    make_uid,
    save_dataset,
    write_series,
)
from helpers.dicom_objects import write_dicomdir
from helpers.idle import wait_until_idle
from helpers.menus import opened
from napari_medread import catalogue, read
from napari_medread.dicom.listing import series_collector
from napari_medread.dicom.listing.series_catalogue import INCOMPLETE_SERIES
from napari_medread.plugin.bridge.volume_to_layer import to_layer
from napari_medread.plugin.browser import (
    catalogue_rows,
    folder_search,
    load_queue,
    loaded_layers,
    series_tree,
    thumbnail_queue,
)
from napari_medread.plugin.browser.entry_preview import THUMBNAIL_SIZE_PX
from napari_medread.plugin.browser.folder_search import ListedRows
from napari_medread.plugin.gui.background_task import _RUNNING_TASKS

MENU = "File", "IO Utilities", "Series browser"
SENTINELS = "Sentinel", "Secretus", "SID4711"
PATIENT = {"PatientName": "Sentinel^Secretus", "PatientID": "SID4711"}
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def browser(viewer):
    return opened(viewer, *MENU)


def is_done(browser):
    return browser.is_settled


@pytest.fixture
def look_into(qtbot, browser):
    """Type a path, and wait until all there is to see is seen."""

    def look(place):
        browser.path_bar.line.native.setText(str(place))
        qtbot.keyClick(browser.path_bar.line.native, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: is_done(browser), timeout=20000)

    return look


def item(browser, text):
    """Return the only row that has a text."""
    flags = Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive
    (found,) = browser.tree.findItems(text, flags)
    return found


@pytest.fixture
def click(qtbot, browser):
    """Click on a row, or double-click."""

    def clicked(text, *, double=False, key=Qt.KeyboardModifier.NoModifier):
        place = browser.tree.visualItemRect(item(browser, text)).center()
        assert browser.tree.viewport().rect().contains(place)
        qtbot.mouseClick(browser.tree.viewport(), LEFT, key, place)
        if double:
            qtbot.mouseDClick(browser.tree.viewport(), LEFT, key, place)

    return clicked


def texts(browser):
    """Return the first line of every row in view, with its depth."""
    found = []

    def visit(row, depth):
        if not row.isHidden():
            found.append((depth, row.text(0).split("\n")[0]))
            for n in range(row.childCount()):
                visit(row.child(n), depth + 1)

    for n in range(browser.tree.topLevelItemCount()):
        visit(browser.tree.topLevelItem(n), 0)
    return found


@pytest.fixture
def folder(tmp_path):
    """Return a folder with an axial CT, a smaller MR of a duplicate file, and a MetaImage."""
    study = {
        "StudyDate": "20240131",
        "StudyDescription": "Head",
        "StudyInstanceUID": make_uid(),
        **PATIENT,
    }
    ct = {"SeriesInstanceUID": make_uid(), "SeriesNumber": 2, "SeriesDescription": "Axial"}
    write_series(tmp_path / "ct", make_series(**ct, **study))
    mr = {"SeriesInstanceUID": make_uid(), "SeriesNumber": 3, "SeriesDescription": "Sentinel scan"}
    datasets = make_series(**mr, **study, Modality="MR", slices=range(3))
    write_series(tmp_path / "mr", [*datasets, datasets[0]])
    array = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    array.SetSpacing((0.5, 0.25, 7))
    sitk.WriteImage(array, tmp_path / "scan.mha")
    (tmp_path / "broken.dcm").write_bytes(b"no DICOM")
    return tmp_path


def same(layer, volume):
    """Check that a layer is what the reader makes of a volume."""
    data, attributes, _ = to_layer(volume)
    np.testing.assert_array_equal(layer.data, data)
    assert layer.name == attributes["name"]
    np.testing.assert_allclose(layer.scale, attributes["scale"])
    np.testing.assert_allclose(layer.translate, attributes["translate"])
    assert tuple(layer.contrast_limits) == tuple(attributes["contrast_limits"])
    assert layer.metadata["source"] == attributes["metadata"]["source"]
    assert layer.metadata["notes"] == attributes["metadata"]["notes"]


def test_browsing_and_loading(qtbot, viewer, browser, look_into, click, folder, messages, caplog):
    caplog.set_level("DEBUG")
    assert "Choose a folder" in browser.message.value
    assert not browser.load.enabled
    look_into(folder)
    assert texts(browser) == [
        (0, "Sentinel, Secretus · ID SID4711"),
        (1, "2024-01-31 · Head"),
        (2, "2 Axial"),
        (2, "3 MR series"),
        (0, "Files"),
        (1, "scan.mha"),
    ]
    assert item(browser, "2 Axial").text(0).split("\n")[1:] == [
        "CT · 7 × 5 × 4 voxels",
        "3 × 2 × 5 mm",
    ]
    assert item(browser, "scan.mha").text(0).split("\n")[1:] == [
        "4 × 3 × 2 voxels",
        "0.5 × 0.25 × 7 mm",
    ]
    # Notes are counted, and told of what is selected.
    click("3 MR series")
    assert item(browser, "3 MR series").text(0).endswith("\n1 note")
    assert browser.notes.value == "1 duplicate file was left out."
    # What was skipped, and why.
    assert browser.skipped.text == "1 note on skipped files"
    qtbot.mouseClick(browser.skipped.native, LEFT)
    assert browser.reasons.visible
    assert browser.reasons.value == "broken.dcm: this is not a DICOM file."
    qtbot.mouseClick(browser.skipped.native, LEFT)
    # A double click loads, as the reader would.
    click("2 Axial", double=True)
    qtbot.waitUntil(lambda: is_done(browser) and len(viewer.layers) == 1, timeout=20000)
    axial, mr = read(folder / "ct") + read(folder / "mr")
    same(viewer.layers[0], axial)
    assert isinstance(viewer.layers[0].data, np.ndarray)
    assert browser.message.value == "Loaded 1 volume."
    # Enter too, on the row that the arrow key moves to.
    qtbot.keyClick(browser.tree, Qt.Key.Key_Down)
    qtbot.keyClick(browser.tree, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: is_done(browser) and len(viewer.layers) == 2, timeout=20000)
    same(viewer.layers[1], mr)
    assert messages() == ["3 MR series: 1 duplicate file was left out."]
    # Not twice, even if it was renamed.
    viewer.layers[0].name, viewer.layers[0].visible = "mine", False
    click("2 Axial", double=True)
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    assert "is already open" in browser.message.value
    assert viewer.layers.selection.active is viewer.layers[0]
    assert viewer.layers[0].visible
    assert len(viewer.layers) == 2
    # Nothing of the patient has left the list.
    said = [str(layer.metadata) + layer.name for layer in viewer.layers] + messages()
    said += [record.getMessage() for record in caplog.records]
    said += [browser.message.value]
    said += [box.value for box in (browser.notes, browser.reasons)]
    assert not [word for word in SENTINELS for text in said if word.lower() in text.lower()]


def test_names_and_the_filter(qtbot, browser, look_into, folder):
    look_into(folder)
    for words, left in [
        ("sentinel", ["2 Axial", "3 MR series"]),
        ("head AXI", ["2 Axial"]),
        ("mr", ["3 MR series"]),
        ("files", ["scan.mha"]),
        ("nothing", []),
    ]:
        browser.filter.native.clear()
        qtbot.keyClicks(browser.filter.native, words)
        assert [t for depth, t in texts(browser) if depth and "·" not in t] == left
    browser.filter.native.clear()
    browser.names.value = False
    assert texts(browser)[0] == (0, "Patient 1")
    assert len(texts(browser)) == 6
    qtbot.keyClicks(browser.filter.native, "sentinel")
    assert texts(browser) == []
    browser.filter.native.clear()


def test_several_are_loaded_one_after_the_other(qtbot, viewer, browser, look_into, click, folder):
    look_into(folder)
    viewer.open(folder / "ct", plugin="napari-medread")
    viewer.layers.clear()
    click("2 Axial")
    click("3 MR series", key=Qt.KeyboardModifier.ControlModifier)
    assert browser.load.text == "Load 2 volumes"
    # A file that has gone is told of, and the rest is loaded.
    for path in (folder / "mr").iterdir():
        path.unlink()
    click("scan.mha", key=Qt.KeyboardModifier.ControlModifier)
    qtbot.mouseClick(browser.load.native, LEFT)
    assert not browser.path_bar.folder.enabled
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    assert [(layer.name, layer.visible) for layer in viewer.layers] == [
        ("2 Axial", True),
        ("scan", False),
    ]
    assert "the file has been moved or deleted" in browser.message.value
    assert browser.path_bar.folder.enabled


def test_a_whole_study_is_one_choice(qtbot, viewer, browser, look_into, click, folder):
    look_into(folder)
    click("2024-01-31")
    qtbot.keyClick(browser.tree, Qt.Key.Key_Return)  # closes it, and loads nothing
    assert not item(browser, "2024-01-31").isExpanded()
    assert is_done(browser)
    qtbot.mouseClick(browser.load.native, LEFT)
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    assert [layer.name for layer in viewer.layers] == ["2 Axial", "3 MR series"]
    # Those that the reader has opened are known too.
    viewer.layers.clear()
    viewer.open(folder / "ct", plugin="napari-medread")
    qtbot.mouseClick(browser.load.native, LEFT)
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    assert [layer.name for layer in viewer.layers] == ["2 Axial", "3 MR series"]


def test_cancelling(qtbot, viewer, browser, look_into, click, read_until, folder):
    go_on = read_until("broken.dcm")  # the first of its files
    browser.path_bar.line.native.setText(str(folder))
    qtbot.keyClick(browser.path_bar.line.native, Qt.Key.Key_Return)
    assert browser.progress.visible
    qtbot.mouseClick(browser.cancel.native, LEFT)
    go_on.set()
    wait_until_idle()
    assert texts(browser) == []
    assert browser.message.value == "Cancelled."
    assert not browser.progress.visible
    qtbot.mouseClick(browser.path_bar.rescan.native, LEFT)
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    assert len(texts(browser)) == 6
    click("Sentinel, Secretus")
    qtbot.mouseClick(browser.load.native, LEFT)
    qtbot.mouseClick(browser.cancel.native, LEFT)
    wait_until_idle()
    assert len(viewer.layers) == 0
    assert browser.message.value == "Cancelled."
    assert browser.load.visible
    # The result of a search that another one has replaced is not shown.
    (folder / "empty").mkdir()
    browser.browse(folder)
    look_into(folder / "empty")
    assert texts(browser) == []
    assert browser.message.value == "empty: no readable image was found."
    look_into(folder / "gone")
    assert browser.message.value == "gone: there is no such file or folder."


CORNER = np.array([-1, -1, 1])
"""The patient's superior, anterior, right corner in LPS."""


def write_corner(folder, plane, sign):
    """Write a series that is bright towards one corner of the patient, its axes flipped or not."""
    axes = np.array(ORIENTATIONS[plane]) * sign
    pixels = np.zeros((8, 20), np.uint16)
    along, down = axes @ CORNER > 0
    pixels[4 if down else 0 : 8 if down else 4, 10 if along else 0 : 20 if along else 10] = 100
    number = make_uid()
    for n in range(3):
        ds = make_image(
            pixels,
            ImagePositionPatient=find_slice_position(n, axes),
            ImageOrientationPatient=[float(x) for x in axes.ravel()],
            PixelSpacing=[3, 2],
            SeriesInstanceUID=number,
            SeriesDescription=f"{plane} {sign}",
            WindowCenter=50,
            WindowWidth=100,
        )
        save_dataset(ds, folder / f"{plane}{sign}" / f"{n}")


def test_thumbnails_are_the_right_way_round(browser, look_into, tmp_path):
    for plane in ORIENTATIONS:
        for sign in (1, -1):
            write_corner(tmp_path, plane, sign)
    look_into(tmp_path)
    for plane in ORIENTATIONS:
        for sign in (1, -1):
            picture = (
                item(browser, f"{plane} {sign}")
                .icon(0)
                .pixmap(THUMBNAIL_SIZE_PX, THUMBNAIL_SIZE_PX)
                .toImage()
            )
            lights = np.array(
                [
                    [picture.pixelColor(x, y).lightness() for x in range(THUMBNAIL_SIZE_PX)]
                    for y in range(THUMBNAIL_SIZE_PX)
                ]
            )
            # 40 x 24 mm in a square: the picture's height is three fifths of it, in its middle.
            first, half = round(THUMBNAIL_SIZE_PX * 0.2), THUMBNAIL_SIZE_PX // 2
            assert (lights[first + 3 : half - 3, 3 : half - 3] > 240).all()
            lights[first : half + 1, : half + 1] = 0
            assert (lights < 60).all()


def test_choosing_by_dialog_and_by_drop(qtbot, browser, folder):
    files = sorted((folder / "ct").iterdir())
    path = write_dicomdir(folder, [["CT", f.name] for f in files])

    def choose(place):
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QFileDialog)
        dialog.setDirectory(str(place.parent))
        (line,) = (w for w in dialog.findChildren(QLineEdit) if w.isVisible())
        line.setText(str(place))
        buttons = dialog.findChild(QDialogButtonBox).buttons()
        next(b for b in buttons if b.text().replace("&", "") in ("Open", "Choose")).click()

    for button, place, count in (
        (browser.path_bar.folder, folder, 6),
        (browser.path_bar.directory, path, 3),
    ):
        QTimer.singleShot(400, lambda place=place: choose(place))
        qtbot.mouseClick(button.native, LEFT)
        qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
        assert browser.path_bar.line.value == str(place)
        assert len(texts(browser)) == count
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(folder / "mr"))])
    actions, modifiers = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(9, 9), actions, mime, LEFT, modifiers)
    QApplication.sendEvent(browser.native, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(9, 9), actions, mime, LEFT, modifiers, QEvent.Type.Drop)
    QApplication.sendEvent(browser.native, drop)
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    assert [text for _, text in texts(browser)][-1] == "3 MR series"


def select_all(qtbot, browser):
    browser.tree.setFocus()
    qtbot.keyClick(browser.tree, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)


def test_what_is_loaded_together_has_one_notification(
    qtbot, viewer, browser, look_into, messages, tmp_path
):
    for number, name in ((1, "Head"), (2, "Neck"), (3, "Head")):
        datasets = make_series(
            SeriesNumber=number,
            SeriesDescription=name,
            SeriesInstanceUID=make_uid(),
            slices=range(2),
        )
        write_series(tmp_path / str(number), [*datasets, datasets[0]] if number < 3 else datasets)
    viewer.add_image(np.zeros((2, 2)), name="2 Neck", units="mm")
    look_into(tmp_path)
    select_all(qtbot, browser)
    qtbot.mouseClick(browser.load.native, LEFT)
    qtbot.waitUntil(lambda: browser.is_settled, timeout=20000)
    assert [layer.name for layer in viewer.layers] == ["2 Neck", "1 Head", "2 Neck [1]", "3 Head"]
    # By the names of the layers, one of which there was already.
    assert messages() == ["1 Head and 2 Neck [1]: 1 duplicate file was left out."]
    # The next one is another.
    viewer.layers.remove("1 Head")
    qtbot.mouseClick(browser.load.native, LEFT)
    qtbot.waitUntil(lambda: browser.is_settled, timeout=20000)
    assert messages()[1:] == ["1 Head: 1 duplicate file was left out."]


def test_cancelled_between_two_the_first_stays_and_its_notes_are_said(
    qtbot, viewer, browser, look_into, messages, tmp_path, monkeypatch
):
    for number in (1, 2):
        datasets = make_series(SeriesNumber=number, SeriesInstanceUID=make_uid(), slices=range(2))
        write_series(tmp_path / str(number), [*datasets, datasets[0]])
    look_into(tmp_path)
    select_all(qtbot, browser)

    def cancel(event):
        viewer.layers.events.inserted.disconnect(cancel)
        QTimer.singleShot(0, lambda: qtbot.mouseClick(browser.cancel.native, LEFT))

    viewer.layers.events.inserted.connect(cancel)
    go_on, opened_ = threading.Event(), load_queue.read_entry

    def waits(entry, *rest):
        assert entry.name.startswith("1 ") or go_on.wait(20)
        return opened_(entry, *rest)

    monkeypatch.setattr(load_queue, "read_entry", waits)
    qtbot.mouseClick(browser.load.native, LEFT)
    qtbot.waitUntil(lambda: browser.message.value.endswith("Cancelled."), timeout=20000)
    go_on.set()
    qtbot.waitUntil(lambda: not _RUNNING_TASKS, timeout=20000)
    wait_until_idle()
    assert browser.message.value == "Loaded 1 volume. Cancelled."
    assert [layer.name for layer in viewer.layers] == ["1 Test series"]
    assert messages() == ["1 Test series: 1 duplicate file was left out."]


def test_a_series_over_time_and_one_that_is_loaded_on_demand(
    qtbot, viewer, browser, look_into, click, monkeypatch, tmp_path
):
    def change(t, n, ds):
        ds.TemporalPositionIdentifier = t + 1
        ds.AcquisitionTime = f"10000{t}"

    write_series(tmp_path, make_sets(3, change))
    look_into(tmp_path)
    assert "3 × time" in item(browser, "4 Test series").text(0)
    click("4 Test series", double=True)
    qtbot.waitUntil(lambda: browser.is_settled, timeout=20000)
    (volume,) = read(tmp_path)
    same(viewer.layers[0], volume)
    assert viewer.layers[0].data.shape == (3, 4, 5, 7)
    viewer.layers.clear()
    # As the preferences have it for opening.
    monkeypatch.setattr(load_queue, "get_lazy_above_bytes", lambda: 100)
    click("4 Test series", double=True)
    qtbot.waitUntil(lambda: browser.is_settled, timeout=20000)
    (layer,) = viewer.layers
    assert isinstance(layer.data, da.Array)
    same(layer, *read(tmp_path, lazy=True))
    click("4 Test series", double=True)
    qtbot.waitUntil(lambda: "is already open" in browser.message.value, timeout=20000)
    assert len(viewer.layers) == 1


def test_layers_of_others_and_deleted_ones_are_not_assumed_to_be_it(
    qtbot, viewer, browser, look_into, click, folder
):
    look_into(folder)
    other = viewer.add_image(np.zeros((3, 4)), name="2 Axial")
    click("2 Axial", double=True)
    qtbot.waitUntil(lambda: browser.is_settled, timeout=20000)
    assert browser.message.value == "Loaded 1 volume."
    assert [layer.name for layer in viewer.layers] == ["2 Axial", "2 Axial [1]"]
    viewer.layers.remove("2 Axial [1]")
    click("2 Axial", double=True)
    qtbot.waitUntil(lambda: browser.is_settled, timeout=20000)
    assert browser.message.value == "Loaded 1 volume."
    assert viewer.layers[0] is other
    assert len(viewer.layers) == 2


def test_two_viewers_are_filled_each_by_its_own(
    qtbot, viewer, browser, look_into, click, folder, make_napari_viewer
):
    look_into(folder)
    second = make_napari_viewer(show=True)
    panel = opened(second, *MENU)
    assert texts(panel) == []
    panel.path_bar.line.native.setText(str(folder / "mr"))
    qtbot.keyClick(panel.path_bar.line.native, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.is_settled, timeout=20000)
    select_all(qtbot, panel)
    click("2 Axial")
    # Both at once.
    qtbot.mouseClick(browser.load.native, LEFT)
    qtbot.mouseClick(panel.load.native, LEFT)
    qtbot.waitUntil(lambda: browser.is_settled and panel.is_settled, timeout=20000)
    assert [layer.name for layer in viewer.layers] == ["2 Axial"]
    assert [layer.name for layer in second.layers] == ["3 MR series"]
    # One is closed: nothing is kept of it, and the other goes on.
    gone = [weakref.ref(each) for each in (second, second.layers[0], panel)]
    _dock(second).destroyOnClose()
    panel = None
    second.close()
    second = None
    click("3 MR series", double=True)
    qtbot.waitUntil(lambda: browser.is_settled, timeout=20000)
    assert len(viewer.layers) == 2
    wait_until_idle()
    gc.collect()
    assert [ref() for ref in gone[1:]] == [None, None]


def _dock(viewer):
    docks = viewer.window._wrapped_dock_widgets.items()
    (dock,) = (d for n, d in docks if "Series browser" in n)
    return dock


@pytest.fixture
def archive(tmp_path):
    """Return a folder of forty series of one image."""
    for n in range(40):
        (ds,) = make_series(
            slices=[0],
            SeriesNumber=n,
            SeriesDescription=f"Part P{n}",
            SeriesInstanceUID=make_uid(),
            StudyInstanceUID=f"1.2.{n // 10}",
            **PATIENT,
        )
        save_dataset(ds, tmp_path / "archive" / f"{n}")
    return tmp_path / "archive"


def test_long_lists_are_filled_little_by_little(qtbot, browser, look_into, archive, monkeypatch):
    monkeypatch.setattr(series_tree, "_FILL_TIME_S", 0.0)
    counts = []
    fill = browser.tree._fill
    browser.tree._timer.timeout.disconnect()
    browser.tree._timer.timeout.connect(lambda: (fill(), counts.append(len(texts(browser)))))
    # What was typed before holds for what comes.
    qtbot.keyClicks(browser.filter.native, "p3 part")
    browser.names.native.click()
    look_into(archive)
    assert len(counts) > 20
    found = [text for depth, text in texts(browser) if depth == 2]
    assert found == ["3 Part P3", *(f"{n} Part P{n}" for n in range(30, 40))]
    assert texts(browser)[0] == (0, "Patient 1")
    browser.filter.native.clear()
    assert len(texts(browser)) == 1 + 4 + 40
    # Every one has its picture.
    empty = QImage(THUMBNAIL_SIZE_PX, THUMBNAIL_SIZE_PX, QImage.Format.Format_RGB32)
    empty.fill(0)
    pictures = [
        row.icon(0)
        .pixmap(THUMBNAIL_SIZE_PX, THUMBNAIL_SIZE_PX)
        .toImage()
        .convertToFormat(QImage.Format.Format_RGB32)
        for row in browser.tree.findItems(
            "Part", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive
        )
    ]
    assert len(pictures) == 40
    assert all(picture != empty for picture in pictures)


def test_what_the_filter_hides_is_not_selected(qtbot, viewer, browser, look_into, click, archive):
    look_into(archive)
    select_all(qtbot, browser)
    assert browser.load.text == "Load 40 volumes"
    selections = []
    browser.tree.itemSelectionChanged.connect(lambda: selections.append(1))
    qtbot.keyClicks(browser.filter.native, "part p39")
    assert not browser.load.text.endswith("volumes")
    assert browser.load.enabled
    assert len(selections) <= len("part p39")  # not one for every row
    qtbot.mouseClick(browser.load.native, LEFT)
    qtbot.waitUntil(lambda: browser.is_settled, timeout=20000)
    assert [layer.name for layer in viewer.layers] == ["39 Part P39"]
    # It is not when it comes back, either.
    browser.filter.native.clear()
    click("0 Part P0")
    assert browser.tree.selected()
    qtbot.keyClicks(browser.filter.native, "p39")
    browser.filter.native.clear()
    assert browser.tree.selected() == []
    assert not browser.load.enabled


def test_what_takes_long_is_done_in_the_background(
    qtbot, browser, look_into, click, folder, monkeypatch
):
    """Listing, describing, thumbnails, reading, and making layer data of what was read."""
    threads = {}

    def watched(name, function):
        def called(*arguments, **options):
            threads.setdefault(name, set()).add(threading.current_thread())
            return function(*arguments, **options)

        return called

    for module, name in (
        (catalogue, "CatalogueSearch"),
        (folder_search, "make_rows"),
        (thumbnail_queue, "make_preview"),
        (loaded_layers, "to_layers"),
    ):
        monkeypatch.setattr(module, name, watched(name, getattr(module, name)))
    look_into(folder)
    click("2 Axial", double=True)
    qtbot.waitUntil(lambda: browser.is_settled, timeout=20000)
    assert sorted(threads) == ["CatalogueSearch", "make_preview", "make_rows", "to_layers"]
    assert threading.main_thread() not in set().union(*threads.values())


def test_closing_it_ends_its_work_and_lets_go(qtbot, viewer, folder):
    browser = opened(viewer, *MENU)
    browser.browse(folder)
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    item(browser, "2 Axial").setSelected(True)
    qtbot.mouseClick(browser.load.native, LEFT)
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    layer = weakref.ref(viewer.layers[0])
    viewer.layers.clear()
    wait_until_idle()  # napari removes its controls a little later
    gc.collect()
    assert layer() is None
    # Closed while it loads.
    qtbot.mouseClick(browser.load.native, LEFT)
    gone = weakref.ref(browser)
    _dock(viewer).destroyOnClose()
    browser = None
    qtbot.waitUntil(lambda: not _RUNNING_TASKS, timeout=20000)
    wait_until_idle()
    gc.collect()
    assert gone() is None
    assert len(viewer.layers) == 0
    assert texts(opened(viewer, *MENU)) == []


@pytest.fixture
def read_until(monkeypatch):
    """Let a search wait before files of some names, until it is let go."""
    go_on = threading.Event()
    read = series_collector.ImageHeaderReader.read

    def hold(*names):
        def waits(reader, path):
            assert path.name not in names or go_on.wait(20)
            return read(reader, path)

        monkeypatch.setattr(series_collector.ImageHeaderReader, "read", waits)
        return go_on

    monkeypatch.setattr(catalogue, "FIRST_PUBLISH_DELAY_S", 0)
    monkeypatch.setattr(catalogue, "PUBLISH_INTERVAL_S", 0)
    monkeypatch.setattr(catalogue, "monotonic", lambda: 0.0)  # so that it is always time to
    yield hold
    go_on.set()


@pytest.fixture
def two_folders(tmp_path):
    """Return a folder of two series of four images, in a folder each, and their names."""
    for number, name in ((1, "First"), (2, "Second")):
        datasets = make_series(
            SeriesNumber=number, SeriesDescription=name, SeriesInstanceUID=make_uid(), **PATIENT
        )
        for n, ds in enumerate(datasets):
            save_dataset(ds, tmp_path / name / f"{name}{n}")
    return tmp_path


def test_rows_come_while_a_folder_is_searched_and_stay_when_it_is_cancelled(
    qtbot, viewer, browser, look_into, click, read_until, two_folders
):
    go_on = read_until("Second2")
    browser.browse(two_folders)
    qtbot.waitUntil(lambda: len(texts(browser)) == 4, timeout=20000)
    # The first series is complete as far as its folder goes; the second is not.
    assert [text for _, text in texts(browser)][2:] == ["1 First", "2 Second"]
    qtbot.waitUntil(lambda: "2 files so far" in item(browser, "2 Second").text(0), timeout=20000)
    assert "CT · 7 × 5 × 4 voxels" in item(browser, "1 First").text(0)
    qtbot.waitUntil(lambda: "6 of 8 files, 2 series" in browser.message.value, timeout=20000)
    # Six were read, and four of them are in a series that is described.
    assert browser.progress.value / browser.progress.max == pytest.approx(5 / 8, abs=0.01)
    click("2 Second")
    assert not browser.load.enabled
    qtbot.mouseClick(browser.cancel.native, LEFT)
    assert browser.message.value == "Cancelled: the list is incomplete (6 of 8 files searched)."
    assert not browser.progress.visible
    go_on.set()
    wait_until_idle()
    assert [text for _, text in texts(browser)][2:] == ["1 First", "2 Second"]
    # What is loaded of it says that there may be more.
    click("1 First", double=True)
    qtbot.waitUntil(lambda: is_done(browser) and len(viewer.layers) == 1, timeout=20000)
    assert viewer.layers[0].metadata["notes"] == [INCOMPLETE_SERIES]
    # Rescanned, all is there, and what was selected still is.
    qtbot.mouseClick(browser.path_bar.rescan.native, LEFT)
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    assert [text for _, text in texts(browser)][2:] == ["1 First", "2 Second"]
    assert "7 × 5 × 4 voxels" in item(browser, "2 Second").text(0)
    assert [row.title for row in browser.tree.selected()] == ["1 First"]
    assert browser.message.value == ""


def test_a_rescan_that_ends_early_keeps_the_list(
    qtbot, browser, look_into, click, read_until, two_folders
):
    look_into(two_folders)
    before = texts(browser)
    click("1 First")
    read_until("Second2")
    qtbot.mouseClick(browser.path_bar.rescan.native, LEFT)
    qtbot.waitUntil(lambda: "6 of 8 files" in browser.message.value, timeout=20000)
    assert texts(browser) == before
    qtbot.mouseClick(browser.cancel.native, LEFT)
    assert browser.message.value == "Rescan cancelled. The list is that of the earlier scan."
    assert texts(browser) == before
    assert browser.load.enabled
    # So does one of a folder that is gone.
    two_folders.rename(two_folders.with_name("elsewhere"))
    qtbot.mouseClick(browser.path_bar.rescan.native, LEFT)
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    assert browser.message.value == (
        f"{two_folders.name}: there is no such file or folder. "
        "The list is that of the earlier scan."
    )
    assert texts(browser) == before


def test_a_rescan_shows_what_was_added_and_removed(qtbot, browser, look_into, click, two_folders):
    look_into(two_folders)
    click("2 Second")
    chosen = item(browser, "2 Second")
    for path in (two_folders / "First").iterdir():
        path.unlink()
    write_series(
        two_folders / "new",
        make_series(
            SeriesNumber=1, SeriesDescription="New", SeriesInstanceUID=make_uid(), **PATIENT
        ),
    )
    (two_folders / "broken.dcm").write_bytes(b"no DICOM")
    qtbot.mouseClick(browser.path_bar.rescan.native, LEFT)
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    assert [text for _, text in texts(browser)][2:] == ["1 New", "2 Second"]
    assert item(browser, "2 Second") is chosen
    assert chosen.isSelected()
    assert browser.skipped.text == "1 note on skipped files"


def test_in_long_lists_only_rows_in_view_get_thumbnails(
    qtbot, browser, look_into, archive, monkeypatch
):
    monkeypatch.setattr(thumbnail_queue, "MAX_ENTRIES_OUT_OF_VIEW", 39)
    made = []
    make = thumbnail_queue.make_preview
    monkeypatch.setattr(
        thumbnail_queue,
        "make_preview",
        lambda row, progress: (made.append(row.title), make(row, progress))[1],
    )
    look_into(archive)
    in_view = {row.title for row in browser.tree.rows_in_view() if row.entry is not None}
    assert set(made) == in_view
    assert len(in_view) < 40
    assert "39 Part P39" not in made
    browser.tree.scrollToBottom()
    qtbot.waitUntil(lambda: is_done(browser) and "39 Part P39" in made, timeout=20000)
    assert len(made) == len(set(made))


def test_names_that_are_hidden_while_rows_are_added_do_not_come_back(
    qtbot, browser, archive, monkeypatch
):
    monkeypatch.setattr(series_tree, "_FILL_TIME_S", 0.0)
    found = catalogue.browse(archive)
    for _ in range(2):  # the second waits until the first is shown
        browser._show(ListedRows(found, catalogue_rows.make_rows(found, names=True)))
    assert browser.tree.is_filling
    assert texts(browser)[0] == (0, "Sentinel, Secretus · ID SID4711")
    browser.names.value = False
    assert texts(browser)[0] == (0, "Patient 1")
    qtbot.waitUntil(lambda: browser.is_settled, timeout=20000)
    assert len(texts(browser)) == 1 + 4 + 40
    assert texts(browser)[0] == (0, "Patient 1")
    browser.names.value = True
    assert texts(browser)[0] == (0, "Sentinel, Secretus · ID SID4711")


def test_a_search_that_fails_says_that_its_list_is_incomplete(
    qtbot, browser, read_until, two_folders, monkeypatch
):
    go_on = read_until("Second2")
    browser.browse(two_folders)
    qtbot.waitUntil(lambda: len(texts(browser)) == 4, timeout=20000)

    def fail(collector, path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(series_collector.SeriesCollector, "add", fail)
    go_on.set()
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    assert browser.message.value == (
        "The operating system reported an error: Input/output error. The list is incomplete."
    )
    assert len(texts(browser)) == 4


def test_rows_that_change_places_stay_as_they_are(qtbot, browser, look_into, click, two_folders):
    study, uid = make_uid(), make_uid()
    for number, orientation in ((3, "axial"), (3, "coronal"), (4, "axial")):
        datasets = make_series(
            ORIENTATIONS[orientation],
            SeriesNumber=number,
            SeriesDescription="Scan",
            SeriesInstanceUID=uid if number == 3 else make_uid(),
            StudyInstanceUID=study,
        )
        write_series(two_folders / "more" / f"{number} {orientation}", datasets)
    look_into(two_folders / "more")
    assert [text for _, text in texts(browser)][2:] == [
        "3 Scan", "3 Scan (axial)", "3 Scan (coronal)", "4 Scan",
    ]  # fmt: skip
    click("3 Scan (coronal)")
    # The first series gets another number.
    for path in sorted((two_folders / "more").rglob("IM*")):
        ds = dcmread(path)
        if ds.SeriesNumber == 3:
            ds.SeriesNumber = 5
            ds.save_as(path)
    qtbot.keyClicks(browser.filter.native, "coronal")
    qtbot.mouseClick(browser.path_bar.rescan.native, LEFT)
    qtbot.waitUntil(lambda: is_done(browser), timeout=20000)
    assert [text for _, text in texts(browser)][2:] == ["5 Scan", "5 Scan (coronal)"]
    assert [row.title for row in browser.tree.selected()] == ["5 Scan (coronal)"]
    browser.filter.native.clear()
    assert [text for _, text in texts(browser)][2:] == [
        "4 Scan", "5 Scan", "5 Scan (axial)", "5 Scan (coronal)",
    ]  # fmt: skip
    assert item(browser, "5 Scan (axial)").parent().isExpanded()
