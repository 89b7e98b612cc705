"""The widget that shows what is in a folder, and loads it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QImage
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_medread.api import NOTHING_IN_IT
from napari_medread.catalogue import Catalogue, browse
from napari_medread.core.progress import Track
from napari_medread.core.thumbnail import Thumbnail, fitted, thumbnail
from napari_medread.core.volume import Volume
from napari_medread.errors import Cancelled, MedReadError
from napari_medread.plugin.browsing import Readable, Row, described, is_large, is_of, rows_of
from napari_medread.plugin.layers import layers_of
from napari_medread.plugin.reader import show_notes
from napari_medread.plugin.resampling import open_viewer
from napari_medread.plugin.widgets.seriestree import SIDE, SeriesTree
from napari_medread.plugin.work import Work

NOTHING_CHOSEN = "Choose a folder or a DICOMDIR, or drop one here."


class Look(NamedTuple):
    """What is known of an entry once it was looked at: lines, notes, and its thumbnail."""

    details: tuple[str, ...]
    tip: str
    picture: QImage | None


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
        # napari may hand out a proxy, of which no weak reference lasts.
        self._viewer_of = weakref.ref(getattr(napari_viewer, "__wrapped__", napari_viewer))
        self._place: Path | None = None
        self._catalogue: Catalogue | None = None
        self._work: Work | None = None
        self._queue: list[Readable] = []
        self._loaded: list[tuple[weakref.ref[Layer], bool]] = []
        self._entry_of: weakref.WeakKeyDictionary[Layer, tuple[Any, ...]] = (
            weakref.WeakKeyDictionary()
        )
        self._said: list[str] = []
        self._looking: Work | None = None
        self._looked_at: dict[Readable, Look] = {}
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
        self.reasons, self.notes, self.message = _sentence(), _sentence(), _sentence()
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
        self._stop()
        # As absolute as where layers say that they come from.
        self._place = place.absolute()
        self.path.setText(str(self._place))
        self._catalogue = None
        self._fill()
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
        for row in self.tree.rows():
            if row.entry in self._looked_at:
                self._describe(row)
        count = 0 if found is None else len(found.skipped)
        self.skipped.setText(f"{count} {'note' if count == 1 else 'notes'} on skipped files")
        self.skipped.setVisible(bool(count))
        self.skipped.setChecked(False)
        self.reasons.setText("" if found is None else "\n".join(found.skipped))
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
        self.notes.setText(rows[0].tip if len(rows) == 1 else "")
        self.notes.setVisible(bool(self.notes.text()))

    def _look_on(self) -> None:
        """Make the next thumbnail: of a row in view, else from the top."""
        if self._looking is not None or self._work is not None:
            return
        row = next(filter(self._lacks_picture, self.tree.rows_in_view()), None) or next(
            filter(self._lacks_picture, self.tree.rows()), None
        )
        if row is None or row.entry is None:
            return
        self._looking = self._started(
            partial(_looked, row.entry, row.details, row.tip),
            self._on_looked,
            self._on_look_finished,
        )

    def _lacks_picture(self, row: Row) -> bool:
        return row.entry is not None and row.entry not in self._looked_at

    def _on_looked(self, found: tuple[Readable, Look]) -> None:
        entry, self._looked_at[found[0]] = found
        for row in self.tree.rows():
            if row.entry is entry:
                self._describe(row)
        self._on_filter()

    def _describe(self, row: Row) -> None:
        look = self._looked_at[row.entry]  # type: ignore[index]
        row.details, row.tip = look.details, look.tip
        self.tree.refresh(row, look.picture)

    def _on_look_finished(self) -> None:
        self._forget(self._looking)
        self._looking = None
        self._look_on()

    # Loading.

    def _on_load(self) -> None:
        viewer = open_viewer(self._viewer_of)
        if viewer is None or self._work is not None:
            return
        self._said, self._loaded, self._queue = [], [], []
        for entry in self.tree.selected_entries():
            layer = self._layer_of(entry)
            if layer is None:
                self._queue.append(entry)
                continue
            layer.visible = True
            viewer.layers.selection.active = layer
            self._said.append(
                f"{entry.name} is open already: its layer was selected. "
                "Remove the layer to load it again."
            )
        self.message.setText(" ".join(self._said))
        self._load_next()

    def _layer_of(self, entry: Readable) -> Layer | None:
        viewer = open_viewer(self._viewer_of)
        for layer in () if viewer is None else viewer.layers:
            if self._entry_of.get(layer) == _key(entry) or is_of(layer, entry):
                return layer
        return None

    def _load_next(self) -> None:
        if not self._queue:
            return
        entry = self._queue[0]
        more = f" ({len(self._queue) - 1} more to come)" if len(self._queue) > 1 else ""
        self.message.setText(f"Loading {entry.name}{more}…")
        self._begin(entry.read, self._on_loaded)

    def _on_loaded(self, volumes: Sequence[Volume]) -> None:
        viewer = open_viewer(self._viewer_of)
        if viewer is None:
            return
        entry = self._queue[0]
        for data in layers_of(volumes):
            layer = viewer.add_layer(Layer.create(*data))
            self._entry_of[layer] = _key(entry)
            self._show(viewer, layer)
            self._said.append(f"{layer.name} was loaded.")
        show_notes(volumes)

    def _show(self, viewer: Any, layer: Layer) -> None:
        """Show a layer as the reader would: of those loaded together, only the largest."""
        placed = "patient_affine" in layer.metadata
        others = [each for ref, there in self._loaded if there and (each := ref()) is not None]
        self._loaded.append((weakref.ref(layer), placed))
        if placed and layer.visible:
            largest = max([layer, *others], key=lambda each: float(np.prod(each.data.shape)))
            for each in (layer, *others):
                each.visible = each is largest
        if not layer.visible:
            return
        corners = layer.extent.world
        first = viewer.dims.ndim - layer.ndim
        point = np.asarray(viewer.dims.point)[first:]
        sliced = [n - first for n in viewer.dims.not_displayed if n >= first]
        half = np.asarray(layer.scale) / 2
        if any(not corners[0][n] - half[n] <= point[n] <= corners[1][n] + half[n] for n in sliced):
            # It lies elsewhere than what was looked at.
            viewer.dims.set_point(range(first, viewer.dims.ndim), corners.mean(axis=0))
            viewer.reset_view()

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
            self.message.setText(" ".join(self._said))
        self._show_running(running=False)
        self._look_on()

    def _on_cancel(self) -> None:
        loading = bool(self._queue)
        self._stop()
        self.message.setText(" ".join([*(self._said if loading else []), "Cancelled."]))
        self._look_on()

    def _stop(self) -> None:
        """Cancel all that is under way; nothing of it is heard any more."""
        for work in (self._work, self._looking):
            if work is not None:
                for signal in (work.progressed, work.returned, work.refused, work.finished):
                    signal.disconnect()
                work.cancel()
                self._forget(work)
        self._work = self._looking = None
        self._queue = []
        self._show_running(running=False)

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


def _looked(
    entry: Readable, details: tuple[str, ...], tip: str, track: Track
) -> tuple[Readable, Look]:
    """Return what there is to see of an entry, of which some lines are known."""
    if is_large(entry):
        return entry, Look(details, tip, None)
    try:
        # The loop makes it stop when it is cancelled before it has begun.
        (volumes,) = [entry.look() for _ in track([entry], "")]
        details, tip = described(volumes)
        return entry, Look(details, tip, _image(thumbnail(volumes[0])))
    except Cancelled:
        raise
    except MedReadError as error:
        return entry, Look(details, "\n".join(filter(None, (tip, str(error)))), None)


def _image(picture: Thumbnail) -> QImage:
    """Return a thumbnail in its size on the screen."""
    pixels = np.ascontiguousarray(picture.pixels)
    rows, columns = pixels.shape[:2]
    kind = QImage.Format.Format_RGB888 if pixels.ndim == 3 else QImage.Format.Format_Grayscale8
    image = QImage(pixels.tobytes(), columns, rows, pixels.strides[0], kind)
    height, width = fitted(picture, SIDE)
    return image.scaled(
        width,
        height,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    ).copy()


def _key(entry: Readable) -> tuple[Any, ...]:
    return entry.name, entry.source


def _dropped(event: Any) -> Path | None:
    urls = event.mimeData().urls()
    return Path(urls[0].toLocalFile()) if len(urls) == 1 and urls[0].isLocalFile() else None


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    # Enter in the tree or in a line must not press it.
    button.setAutoDefault(False)
    return button


def _sentence() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row
