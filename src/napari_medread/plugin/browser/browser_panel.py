"""The widget that shows what is in a folder, and loads it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QCheckBox, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from napari_medread.plugin.browser.catalogue_loading import LoadedLayers
from napari_medread.plugin.browser.catalogue_rows import CatalogueRow, list_rows, patient_titles
from napari_medread.plugin.browser.load_queue import LoadQueue
from napari_medread.plugin.browser.path_bar import PathBar, get_dropped_path
from napari_medread.plugin.browser.series_tree import SeriesTree
from napari_medread.plugin.browser.thumbnail_queue import ThumbnailQueue
from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.panel_tasks import Beside
from napari_medread.plugin.gui.qt_controls import button, line_of, sentence, sentences
from napari_medread.plugin.gui.viewer_references import unwrap_viewer

if TYPE_CHECKING:
    from napari_medread.catalogue import Catalogue

NOTHING_CHOSEN = "Choose a folder or a DICOMDIR, or drop one here."


class SeriesBrowserPanel(QWidget):
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
        self._catalogue: Catalogue | None = None
        self._looking: BackgroundTask | None = None
        self._beside = Beside(self)
        self._queue = LoadQueue(LoadedLayers(unwrap_viewer(napari_viewer)), self._beside)
        self._make_controls()
        self._thumbnails = ThumbnailQueue(self.tree, self._beside)
        self._lay_out()
        self._connect()
        self.setAcceptDrops(True)
        self._show_running()
        self._show(None, [])
        self.message.setText(NOTHING_CHOSEN)

    def _make_controls(self) -> None:
        self.place = PathBar()
        self.filter = QLineEdit(placeholderText="Filter")
        self.filter.setClearButtonEnabled(True)
        self.filter.setToolTip(
            "Shows only what has all these words: parts of a name, a description, a date, a "
            "modality or a size."
        )
        self.names = QCheckBox("Patients' names")
        self.names.setChecked(True)
        self.names.setToolTip(
            "Shows the name and ID of every patient, in this list only: layers never have them."
        )
        self.tree = SeriesTree()
        self.skipped = button("", "Shows what could not be read, and why.")
        self.skipped.setCheckable(True)
        self.reasons, self.notes, self.message = sentences(), sentences(), sentence()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.load = button("Load", "Loads what is selected. Double click and Enter do too.")
        self.progress = QProgressBar()
        self.progress.setToolTip("How much is done.")
        self.cancel = button("Cancel", "Stops looking or loading. What is loaded stays.")

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(self.place)
        layout.addLayout(line_of(self.filter, self.names))
        layout.addWidget(self.tree, 1)
        for widget in (self.skipped, self.reasons, self.notes, self.message, self.load):
            layout.addWidget(widget)
        layout.addLayout(line_of(self.progress, self.cancel))

    def _connect(self) -> None:
        self.place.wanted.connect(self.look_into)
        self.filter.textChanged.connect(self.tree.keep)
        self.names.toggled.connect(self._on_names)
        self.tree.wanted.connect(self._on_load)
        self.tree.filled.connect(self._on_filled)
        self.tree.itemSelectionChanged.connect(self._on_selected)
        self.tree.kept.connect(self._on_selected)
        self.skipped.toggled.connect(self.reasons.setVisible)
        self.load.clicked.connect(self._on_load)
        self.cancel.clicked.connect(self._on_cancel)
        self._thumbnails.looked.connect(self._on_looked)
        self._queue.progressed.connect(self._on_progressed)
        self._queue.said.connect(self.message.setText)
        self._queue.ended.connect(self._on_idle)

    @property
    def is_busy(self) -> bool:
        """Whether it looks into a folder, or loads."""
        return self._looking is not None or self._queue.is_busy

    @property
    def is_settled(self) -> bool:
        """Whether all is done, thumbnails too."""
        return not (self.is_busy or self.tree.is_filling or self._thumbnails.is_busy)

    def changeEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Stop when the panel is closed: napari takes it out of its dock."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._stop()
            self.tree.show_rows([])

    def dragEnterEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Take one folder or file."""
        if not self._queue.is_busy and get_dropped_path(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Look into what was dropped."""
        place = get_dropped_path(event)
        if place is not None:
            event.acceptProposedAction()
            self.look_into(place)

    # Looking into a folder.

    def look_into(self, place: Path) -> None:
        """Show what is in a folder or DICOMDIR, in the place of what was shown."""
        self._stop()
        self._show(None, [])
        # As absolute as where layers say that they come from.
        place = place.absolute()
        self.place.set_place(place)
        self.message.setText(f"Looking into {place.name}…")
        self._looking = self._beside.begin(
            partial(list_rows, place),
            progressed=self._on_progressed,
            returned=self._on_browsed,
            refused=self.message.setText,
            finished=self._on_finished,
        )
        self._show_running()

    def _on_browsed(self, found: tuple[Catalogue, list[CatalogueRow]]) -> None:
        catalogue, rows = found
        self._show(catalogue, rows)
        place = self.place.place
        said = ""
        if place is not None and not rows:
            from napari_medread.api import NO_READABLE_IMAGE

            said = f"{place.name or place}: {NO_READABLE_IMAGE}"
        self.message.setText(said)

    def _on_finished(self) -> None:
        self._beside.forget(self._looking)
        self._looking = None
        self._on_idle()

    # Showing it.

    def _show(self, catalogue: Catalogue | None, rows: list[CatalogueRow]) -> None:
        self._catalogue = catalogue
        self._thumbnails.start_anew()
        self.tree.show_rows(rows)
        if not self.names.isChecked():
            self._on_names()
        count = 0 if catalogue is None else len(catalogue.skipped)
        self.skipped.setText(f"{count} {'note' if count == 1 else 'notes'} on skipped files")
        self.skipped.setVisible(bool(count))
        self.skipped.setChecked(False)
        self.reasons.setPlainText("" if catalogue is None else "\n".join(catalogue.skipped))
        self.reasons.hide()
        self._on_selected()

    def _on_names(self, *_: Any) -> None:
        if self._catalogue is not None:
            self.tree.entitle(patient_titles(self._catalogue, names=self.names.isChecked()))

    def _on_filled(self) -> None:
        if not self.is_busy:
            self._thumbnails.go_on()

    def _on_looked(self) -> None:
        self.tree.keep(self.filter.text())  # which may find what is known now

    def _on_selected(self) -> None:
        rows = self.tree.selected()
        count = len(self.tree.selected_entries())
        self.load.setText("Load" if count < 2 else f"Load {count} volumes")
        self.load.setEnabled(count > 0)
        notes = rows[0].tip if len(rows) == 1 else ""
        if notes != self.notes.toPlainText():  # else it would scroll back
            self.notes.setPlainText(notes)
        self.notes.setVisible(bool(notes))

    # Loading.

    def _on_load(self) -> None:
        if not self.is_busy:
            self._queue.load(self.tree.selected_entries())
            self._show_running()

    def _on_cancel(self) -> None:
        if self._queue.is_busy:
            self._queue.cancel()
        elif self._looking is not None:
            self._beside.drop(self._looking)
            self._looking = None
            self.message.setText("Cancelled.")
            self._on_idle()

    def _stop(self) -> None:
        """Cancel all that is under way."""
        self._on_cancel()
        self._thumbnails.stop()

    def _on_idle(self) -> None:
        """Go on to what is done while nothing else is."""
        self._show_running()
        if not self.tree.is_filling:
            self._thumbnails.go_on()

    def _on_progressed(self, done: int, total: int) -> None:
        if self.is_busy:
            self.progress.setMaximum(max(total, 1))
            self.progress.setValue(done)

    def _show_running(self) -> None:
        running = self.is_busy
        self.progress.setMaximum(0)
        self.progress.setVisible(running)
        self.cancel.setVisible(running)
        self.load.setVisible(not running)
        self.place.offer(enabled=not self._queue.is_busy)
