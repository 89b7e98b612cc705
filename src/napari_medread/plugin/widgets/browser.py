"""The widget that shows what is in a folder, and loads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_medread.api import NOTHING_IN_IT
from napari_medread.catalogue import Catalogue, browse
from napari_medread.core.progress import Track
from napari_medread.core.volume import Volume
from napari_medread.plugin.browsing import Readable, Row, rows_of
from napari_medread.plugin.loading import Loaded
from napari_medread.plugin.looking import Look, look_at
from napari_medread.plugin.viewers import unwrapped
from napari_medread.plugin.widgets.seriestree import SeriesTree
from napari_medread.plugin.work import Work

SAID = 3
"""So many sentences fit below the list."""

_BOX = 84
"""Height of a box of sentences in pixels."""

NOTHING_CHOSEN = "Choose a folder or a DICOMDIR, or drop one here."


class Browser(QWidget):
    """Shows patients, studies, series and volumes of a folder or DICOMDIR, and loads them.

    Patients' names are shown, as who chooses a series must see whose it is. They stay in
    this panel, and a tick hides them from those who look over the shoulder.

    Parameters
    ----------
    napari_viewer : Viewer
        Where to add layers. It is not kept alive.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._layers = Loaded(unwrapped(napari_viewer))
        self._place: Path | None = None
        self._catalogue: Catalogue | None = None
        self._work: Work | None = None
        self._queue: list[Readable] = []
        self._count = 0
        self._said: list[str] = []
        self._looking: Work | None = None
        self._looks: dict[Readable, Look] = {}
        # Shared with what ends the work when this panel is closed.
        running: list[Work] = []
        self._running = running
        self.destroyed.connect(partial(_cancel_all, running))
        self._make_controls()
        self._lay_out()
        self.setAcceptDrops(True)
        self._show_running(running=False)
        self._fill()
        self.message.setText(NOTHING_CHOSEN)

    def _make_controls(self) -> None:
        self.path = QLineEdit(placeholderText="Folder or DICOMDIR")
        self.path.setToolTip("What to look into. Type a path and press Enter, or drop a folder.")
        self.path.returnPressed.connect(self._on_typed)
        self.folder = _button("Folder…", "Chooses a folder; all below it is looked into.")
        self.folder.clicked.connect(self._choose_folder)
        self.directory = _button("DICOMDIR…", "Chooses the index of a CD or other medium.")
        self.directory.clicked.connect(self._choose_directory)
        self.rescan = _button("Rescan", "Looks into the same folder again.")
        self.rescan.clicked.connect(self._on_rescan)
        self.filter = QLineEdit(placeholderText="Filter")
        self.filter.setClearButtonEnabled(True)
        self.filter.setToolTip(
            "Shows only what has all these words: parts of a name, a description, a date, a "
            "modality or a size."
        )
        self.filter.textChanged.connect(self._on_filter)
        self.names = QCheckBox("Patients' names")
        self.names.setChecked(True)
        self.names.setToolTip(
            "Shows the name and ID of every patient, in this list only: layers never have them."
        )
        self.names.toggled.connect(self._fill)
        self.tree = SeriesTree()
        self.tree.wanted.connect(self._on_load)
        self.tree.itemSelectionChanged.connect(self._on_selected)
        self.skipped = _button("", "Shows what could not be read, and why.")
        self.skipped.setCheckable(True)
        self.skipped.toggled.connect(self._on_skipped)
        self.reasons, self.notes, self.message = _sentences(), _sentences(), QLabel()
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.load = _button("Load", "Loads what is selected. Double click and Enter do too.")
        self.load.clicked.connect(self._on_load)
        self.progress = QProgressBar()
        self.progress.setToolTip("How much is done.")
        self.cancel = _button("Cancel", "Stops looking or loading. What is loaded stays.")
        self.cancel.clicked.connect(self._on_cancel)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addLayout(_row(self.path))
        layout.addLayout(_row(self.folder, self.directory, self.rescan))
        layout.addLayout(_row(self.filter, self.names))
        layout.addWidget(self.tree, 1)
        for widget in (self.skipped, self.reasons, self.notes, self.message, self.load):
            layout.addWidget(widget)
        layout.addLayout(_row(self.progress, self.cancel))

    def changeEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Stop when the panel is closed: napari takes it out of its dock."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.tree.show_rows([])
            self._stop()

    # Choosing what to look into.

    def dragEnterEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Take one folder or file."""
        if self.folder.isEnabled() and _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Look into what was dropped."""
        place = _dropped(event)
        if place is not None:
            event.acceptProposedAction()
            self.look_into(place)

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder", str(self._start_folder()))
        if chosen:
            self.look_into(Path(chosen))

    def _choose_directory(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "DICOMDIR", str(self._start_folder()), "DICOMDIR (DICOMDIR* dicomdir*);;All (*)"
        )
        if chosen:
            self.look_into(Path(chosen))

    def _start_folder(self) -> Path:
        return Path.home() if self._place is None else self._place

    def _on_typed(self) -> None:
        if self.path.text().strip():
            self.look_into(Path(self.path.text().strip()).expanduser())

    def _on_rescan(self) -> None:
        if self._place is not None:
            self.look_into(self._place)

    def look_into(self, place: Path) -> None:
        """Show what is in a folder or DICOMDIR, in the place of what was shown."""
        self._catalogue, self._looks = None, {}
        self._fill()
        self._stop()
        # As absolute as where layers say that they come from.
        self._place = place.absolute()
        self.path.setText(str(self._place))
        self.message.setText(f"Looking into {self._place.name}…")
        self._begin(partial(_browsed, self._place), self._on_browsed)

    def _on_browsed(self, found: Catalogue) -> None:
        self._catalogue = found
        self._fill()
        self.message.setText("")
        if not self.tree.topLevelItemCount() and self._place is not None:
            self.message.setText(f"{self._place.name or self._place}: {NOTHING_IN_IT}")

    # Showing it.

    def _fill(self, *_: Any) -> None:
        """Show the catalogue, with what is known of its volumes by now."""
        found = self._catalogue
        rows = [] if found is None else rows_of(found, names=self.names.isChecked())
        self.tree.show_rows(rows)
        for look in self._looks.values():
            self.tree.show_look(look)
        count = 0 if found is None else len(found.skipped)
        self.skipped.setText(f"{count} {'note' if count == 1 else 'notes'} on skipped files")
        self.skipped.setVisible(bool(count))
        self.skipped.setChecked(False)
        self.reasons.setPlainText("" if found is None else "\n".join(found.skipped))
        self.reasons.hide()
        self._on_filter()

    def _on_filter(self, *_: Any) -> None:
        self.tree.keep(self.filter.text())
        self._on_selected()

    def _on_skipped(self, shown: bool) -> None:
        self.reasons.setVisible(shown)

    def _on_selected(self) -> None:
        rows = self.tree.selected()
        count = len(self.tree.selected_entries())
        self.load.setText("Load" if count < 2 else f"Load {count} volumes")
        self.load.setEnabled(count > 0)
        notes = rows[0].tip if len(rows) == 1 else ""
        if notes != self.notes.toPlainText():  # else it would scroll back
            self.notes.setPlainText(notes)
        self.notes.setVisible(bool(notes))

    def _look_on(self) -> None:
        """Make the next thumbnail: of a row in view, else from the top."""
        if self._looking is not None or self._work is not None:
            return
        row = next(filter(self._lacks_picture, self.tree.rows_in_view()), None) or next(
            filter(self._lacks_picture, self.tree.rows()), None
        )
        if row is not None and row.entry is not None:
            # Once, whatever comes of it.
            self._looks[row.entry] = Look(row.entry, row.details, row.tip)
            self._looking = self._started(
                partial(look_at, row), self._on_looked, self._on_look_finished
            )

    def _lacks_picture(self, row: Row) -> bool:
        return row.entry is not None and row.entry not in self._looks

    def _on_looked(self, look: Look) -> None:
        self._looks[look.entry] = look
        self.tree.show_look(look)
        self._on_filter()  # which may find what is known now

    def _on_look_finished(self) -> None:
        self._forget(self._looking)
        self._looking = None
        self._look_on()

    # Loading.

    def _on_load(self) -> None:
        if self._work is not None:
            return
        self._count, self._said, self._queue = 0, [], []
        self._layers.begin()
        for entry in self.tree.selected_entries():
            layer = self._layers.layer_of(entry)
            if layer is None:
                self._queue.append(entry)
            else:
                self._layers.select(layer)
                self._said.append(f"{entry.name} is open already: its layer was selected.")
        self._say()
        self._load_next()

    def _say(self, last: str = "") -> None:
        """Say what was loaded, and the first few of what else there is to say."""
        what = "volume was" if self._count == 1 else "volumes were"
        counted = f"{self._count} {what} loaded." if self._count else ""
        more = len(self._said) - SAID
        rest = f"And {more} more." if more > 0 else ""
        self.message.setText(" ".join(filter(None, (counted, *self._said[:SAID], rest, last))))

    def _load_next(self) -> None:
        if self._queue:
            entry = self._queue[0]
            more = f" ({len(self._queue) - 1} more to come)" if len(self._queue) > 1 else ""
            self.message.setText(f"Loading {entry.name}{more}…")
            self._begin(entry.read, self._on_loaded)

    def _on_loaded(self, volumes: Sequence[Volume]) -> None:
        self._layers.add(self._queue[0], volumes)
        self._count += len(volumes)

    # Work beside the window.

    def _begin(self, function: Callable[[Track], Any], then: Callable[[Any], None]) -> None:
        self._show_running(running=True)
        self._work = self._started(function, then, self._on_finished)

    def _started(
        self,
        function: Callable[[Track], Any],
        then: Callable[[Any], None],
        finished: Callable[[], None],
    ) -> Work:
        """Begin work. Its signals reach this panel as long as it is there, and do not keep it."""
        work = Work(function)
        work.progressed.connect(self._on_progressed)
        work.returned.connect(then)
        work.refused.connect(self._on_refused)
        work.finished.connect(finished)
        self._running.append(work)
        work.start()
        return work

    def _on_progressed(self, done: int, total: int) -> None:
        if self._work is not None:
            self.progress.setMaximum(max(total, 1))
            self.progress.setValue(done)

    def _on_refused(self, sentence: str) -> None:
        self._said.append(sentence)
        self.message.setText(sentence)

    def _on_finished(self) -> None:
        self._forget(self._work)
        self._work = None
        if self._queue:
            self._queue.pop(0)
            if self._queue:
                self._load_next()
                return
            self._say()
        self._end()

    def _on_cancel(self) -> None:
        if not self._queue:
            self._count, self._said = 0, []
        self._drop(self._work)
        self._end()
        self._say("Cancelled.")

    def _stop(self) -> None:
        """Cancel all that is under way."""
        self._drop(self._work)
        self._drop(self._looking)
        self._looking = None
        self._end()

    def _drop(self, work: Work | None) -> None:
        """Cancel work, of which nothing is heard any more."""
        if work is not None:
            for signal in (work.progressed, work.returned, work.refused, work.finished):
                signal.disconnect()
            work.cancel()
            self._forget(work)

    def _end(self) -> None:
        """Go on to what is done while nothing else is."""
        self._work, self._queue = None, []
        self._show_running(running=False)
        self._look_on()

    def _forget(self, work: Work | None) -> None:
        if work in self._running:
            self._running.remove(work)

    def _show_running(self, *, running: bool) -> None:
        self.progress.setMaximum(0)
        self.progress.setVisible(running)
        self.cancel.setVisible(running)
        self.load.setVisible(not running)
        loading = running and bool(self._queue)
        for each in (self.path, self.folder, self.directory, self.rescan):
            each.setEnabled(not loading)
        self.rescan.setEnabled(not loading and self._place is not None)


def _cancel_all(running: list[Work], *_: Any) -> None:
    for work in running:
        work.cancel()


def _browsed(place: Path, track: Track) -> Catalogue:
    return browse(place, track=track)


def _dropped(event: Any) -> Path | None:
    urls = event.mimeData().urls()
    return Path(urls[0].toLocalFile()) if len(urls) == 1 and urls[0].isLocalFile() else None


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    # Enter in the tree or in a line must not press it.
    button.setAutoDefault(False)
    return button


def _sentences() -> QPlainTextEdit:
    """Return a box for sentences, however many there are."""
    box = QPlainTextEdit()
    box.setReadOnly(True)
    box.setMaximumHeight(_BOX)
    return box


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row
