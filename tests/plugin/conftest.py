"""A real napari viewer, and real drops on it."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import napari
import npe2
import pytest
from napari._qt.dialogs.qt_reader_dialog import QtReaderDialog
from napari.utils.notifications import notification_manager
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QCursor, QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit, QMessageBox

from helpers.idle import record_timers
from helpers.shared_viewer import SharedViewer
from helpers.tables import rows_of

# Before the plugin makes its first timer.
record_timers()


@pytest.fixture(scope="session")
def calm_display(qapp: QApplication) -> None:
    """Keep the display's one pointer off the windows, and the collector off what stays."""
    screen = qapp.primaryScreen().geometry()
    QCursor.setPos(screen.right(), screen.bottom())
    # Collecting garbage takes half a second otherwise, at every viewer that is closed.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def plugins() -> None:
    """Let npe2 find the installed plugins, as napari does when it starts."""
    manager = npe2.PluginManager.instance()
    if "napari-medread" not in manager:
        manager.discover()


@pytest.fixture(scope="session")
def shared_viewer(calm_display: None) -> Iterator[SharedViewer]:
    """Return what opens the viewer that tests share."""
    del calm_display
    shared = SharedViewer()
    yield shared
    shared.close()


@pytest.fixture
def make_napari_viewer(
    without_shared_viewer: None, make_napari_viewer: Callable[..., napari.Viewer]
) -> Callable[..., napari.Viewer]:
    """Make new viewers, for tests that close them, need two, or ask what keeps them alive."""
    del without_shared_viewer
    return make_napari_viewer


@pytest.fixture
def without_shared_viewer(shared_viewer: SharedViewer) -> None:
    """Close the shared viewer: napari's own fixture wants no other to be open."""
    shared_viewer.close()


@pytest.fixture
def viewer(
    request: pytest.FixtureRequest, qtbot: QtBot, shared_viewer: SharedViewer
) -> napari.Viewer:
    """Return an empty viewer in a window on the screen, a new one if the test makes others."""
    if "make_napari_viewer" in request.fixturenames:
        found = request.getfixturevalue("make_napari_viewer")(show=True)
    else:
        found = shared_viewer.open(qtbot)
    notification_manager.records.clear()
    return found


@pytest.fixture
def messages() -> Callable[[], list[str]]:
    """Return the sentences of all notifications."""
    return lambda: [record.message for record in notification_manager.records]


@pytest.fixture
def drop(viewer: napari.Viewer) -> Callable[[Sequence[Path]], None]:
    """Drop paths on the canvas, and take the reader that napari's dialog offers first."""

    def accept() -> None:
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, QtReaderDialog) and widget.isVisible():
                widget.persist_checkbox.setChecked(False)
                widget.btn_box.button(QDialogButtonBox.StandardButton.Ok).click()
                return

    def dropped(paths: Sequence[Path]) -> None:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(p)) for p in paths])
        canvas = viewer.window._qt_viewer.canvas.native
        centre = canvas.rect().center()
        actions, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        modifiers = Qt.KeyboardModifier.NoModifier
        with warnings.catch_warnings():  # only Qt itself can make this event without one
            warnings.simplefilter("ignore", DeprecationWarning)
            enter = QDragEnterEvent(QPoint(centre), actions, mime, button, modifiers)
        QApplication.sendEvent(canvas, enter)
        assert enter.isAccepted()
        timer = QTimer()
        timer.timeout.connect(accept)
        timer.start(50)
        event = QDropEvent(QPointF(centre), actions, mime, button, modifiers, QEvent.Type.Drop)
        QApplication.sendEvent(canvas, event)
        timer.stop()
        QApplication.processEvents()

    return dropped


@pytest.fixture
def save_selected(viewer: napari.Viewer) -> Callable[..., None]:
    """Save the selected layers by File > Save Selected Layers, typing a name in its dialog."""

    def typed(path: Path, kind: str = "MetaImage") -> None:
        def fill() -> None:
            dialog = QApplication.activeModalWidget()
            assert isinstance(dialog, QFileDialog)
            dialog.selectNameFilter(next(f for f in dialog.nameFilters() if kind in f))
            dialog.setDirectory(str(path.parent))
            (line,) = (w for w in dialog.findChildren(QLineEdit) if w.isVisible())
            line.setText(str(path))
            dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Save).click()

        def replace() -> None:
            box = QApplication.activeModalWidget()
            if isinstance(box, QMessageBox):  # the file is there: asks whether to replace it
                box.button(QMessageBox.StandardButton.Yes).click()

        viewer.window.file_menu.aboutToShow.emit()  # it says then what can be done
        (action,) = (a for a in viewer.window.file_menu.actions() if "Selected" in a.text())
        assert action.isEnabled()
        QTimer.singleShot(300, fill)
        QTimer.singleShot(900, replace)
        action.trigger()

    return typed


@pytest.fixture
def click(qtbot) -> Callable[[Any], None]:
    """Click a button of a panel."""

    def clicked(button: Any) -> None:
        native = getattr(button, "native", button)
        assert native.isVisible()
        assert native.isEnabled()
        qtbot.mouseClick(native, Qt.MouseButton.LeftButton)

    return clicked


@pytest.fixture
def collected(qtbot) -> Callable[..., None]:
    """Wait until nothing refers to some objects any more: napari lets go a little later."""

    def waited(*refs: weakref.ref[Any]) -> None:
        def are_gone() -> bool:
            gc.collect()
            return not any(ref() is not None for ref in refs)

        qtbot.waitUntil(are_gone, timeout=5000)

    return waited


@pytest.fixture
def values(qtbot, widget, click) -> Callable[[], list[dict[str, str]]]:
    """Click Values inside of the panel Measure, wait, and return the table's rows."""

    def done() -> list[dict[str, str]]:
        click(widget.run)
        qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
        return rows_of(widget)

    return done
