"""The panel Series browser: shows what can be read in a folder, and loads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, LineEdit, ProgressBar, PushButton
from qtpy.QtCore import QEvent

from napari_medread.plugin.browser.catalogue_rows import make_patient_titles
from napari_medread.plugin.browser.folder_search import FolderSearch, ListedRows
from napari_medread.plugin.browser.load_queue import LoadQueue
from napari_medread.plugin.browser.loaded_layers import LoadedLayers
from napari_medread.plugin.browser.path_bar import PathBar, get_dropped_path
from napari_medread.plugin.browser.series_tree import SeriesTree
from napari_medread.plugin.browser.thumbnail_queue import ThumbnailQueue
from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.controls import make_row
from napari_medread.plugin.gui.panel_base import Panel
from napari_medread.plugin.gui.qt_parts import (
    EventCallbacks,
    TextBox,
    set_stretch,
    wrap_qt_widgets,
)
from napari_medread.plugin.gui.timers import make_timer
from napari_medread.plugin.gui.viewer_references import unwrap_viewer

if TYPE_CHECKING:
    from napari_medread.catalogue import Catalogue

_SEARCH_INTERVAL_MS = 250
"""Time between two looks at what a search has found: each redraws the window."""

_PROGRESS_STEPS = 1000
"""Steps of the bar from nothing to everything."""

NOTHING_CHOSEN = "Choose a folder or a DICOMDIR, or drop one here."


class SeriesBrowserPanel(Panel):
    """Shows patients, studies, series and volumes of a folder or DICOMDIR, and loads them.

    Patients' names are shown in this panel alone: whoever chooses a series must see whose it is.
    A check box hides them from other people in the room.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer to which layers are added. It is not kept alive.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self._catalogue: Catalogue | None = None
        self._searching: BackgroundTask | None = None
        self._search: FolderSearch | None = None
        self._is_incomplete = False
        self._make_controls()
        self._search_timer = make_timer(
            _SEARCH_INTERVAL_MS,
            self.while_open(SeriesBrowserPanel._follow_search),
            parent=self.native,
        )
        self._load_queue = LoadQueue(LoadedLayers(unwrap_viewer(napari_viewer)), self.tasks)
        self._thumbnail_queue = ThumbnailQueue(self.tree, self.tasks)
        tree = wrap_qt_widgets(self.tree)
        self._lay_out(
            [
                self.path_bar,
                make_row(self.filter, self.names),
                tree,
                self.skipped,
                self.reasons,
                self.notes,
                self.load,
                make_row(self.progress, self.cancel),
            ]
        )
        set_stretch(tree, 1)
        self._connect()
        self._show_running()
        self._show_nothing()
        self.message.value = NOTHING_CHOSEN

    def _make_controls(self) -> None:
        self.path_bar = PathBar()
        self.filter = LineEdit(
            tooltip="Shows only rows with all these words: parts of a name, a description,\n"
            "a date, a modality or a size."
        )
        self.filter.native.setPlaceholderText("Filter")
        self.filter.native.setClearButtonEnabled(True)
        self.names = CheckBox(
            value=True,
            text="Patients' names",
            tooltip="Shows the name and ID of every patient. They are in this list only:\n"
            "layers never have them.",
        )
        self.tree = SeriesTree()
        self.skipped = PushButton(text="", tooltip="Shows what could not be read, and why.")
        self.skipped.native.setCheckable(True)
        self.reasons, self.notes = TextBox(), TextBox()
        self.load = PushButton(
            text="Load", tooltip="Loads the selected volumes, as a double click or Enter does."
        )
        self.progress = ProgressBar(value=0, max=1, tooltip="How much is done.")
        self.cancel = PushButton(
            text="Cancel",
            tooltip="Stops searching or loading. Rows found and volumes loaded by then stay.",
        )

    def _connect(self) -> None:
        self.path_bar.chosen.connect(self.browse)
        self.filter.changed.connect(self.tree.filter)
        self.names.changed.connect(self._show_titles)
        self.tree.load_requested.connect(self._on_load)
        self.tree.filled.connect(self._on_filled)
        self.tree.itemSelectionChanged.connect(self._on_selected)
        self.tree.filtered.connect(self._on_selected)
        self.tree.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.skipped.native.toggled.connect(self._show_reasons)
        self.load.changed.connect(self._on_load)
        self.cancel.changed.connect(self._on_cancel)
        self._thumbnail_queue.updated.connect(self._on_previews)
        self._load_queue.progressed.connect(self._show_progress)
        self._load_queue.reported.connect(self._show_message)
        self._load_queue.ended.connect(self._on_idle)
        self.native.setAcceptDrops(True)
        EventCallbacks(
            self.native,
            {
                QEvent.Type.DragEnter: self.while_open(SeriesBrowserPanel._on_drag_enter),
                QEvent.Type.Drop: self.while_open(SeriesBrowserPanel._on_drop),
            },
        )

    @property
    def is_busy(self) -> bool:
        """Whether it searches a folder, or loads."""
        return self._searching is not None or self._load_queue.is_busy

    @property
    def is_settled(self) -> bool:
        """Whether everything is done, thumbnails too."""
        return not (self.is_busy or self.tree.is_filling or self._thumbnail_queue.is_busy)

    def _on_close(self) -> None:
        self._stop()
        self.tree.clear_rows()

    def _on_drag_enter(self, event: Any) -> None:
        """Accept one folder or file."""
        if not self._load_queue.is_busy and get_dropped_path(event) is not None:
            event.acceptProposedAction()

    def _on_drop(self, event: Any) -> None:
        path = get_dropped_path(event)
        if path is not None:
            event.acceptProposedAction()
            self.browse(path)

    # Searching a folder.

    def browse(self, path: Path) -> None:
        """Show what can be read in a folder or DICOMDIR, instead of what was shown.

        The list of an earlier search of the same path stays until this search is done.
        """
        path = path.absolute()  # as the paths in ``source`` of layers are
        is_listed = self._catalogue is not None and (self._search is None or self._search.is_rescan)
        is_rescan = is_listed and path == self.path_bar.current
        self._stop()
        if not is_rescan:
            self._show_nothing()
        self.path_bar.show_path(path)
        self._search = FolderSearch(path, is_rescan=is_rescan)
        self._searching = self.tasks.start(
            BackgroundTask(self._search.run),
            on_result=self._on_listed,
            on_refused=self._on_search_refused,
            on_finished=self._on_searched,
        )
        self.message.value = f"Searching {path.name}…"
        self._show_running()
        self._search_timer.start()

    def _follow_search(self) -> None:
        """Show how far the search is, and what was found, and look again a little later."""
        if self._search is None:
            return
        self._search_timer.start()
        share = self._search.done_share
        if share is not None:
            # Never back: files of a series that seemed to be done may be found later.
            done = max(self.progress.value, int(share * _PROGRESS_STEPS))
            self.progress.max, self.progress.value = _PROGRESS_STEPS, done
        self.message.value = (
            f"Searching {self._search.path.name}: {self._search.describe()}, "
            f"{self._search.describe_series()}…"
        )
        self._show_latest()

    def _show_latest(self) -> None:
        """Show what the search has found so far."""
        latest = None if self._search is None else self._search.take_latest()
        if latest is not None:
            self._catalogue = latest.catalogue
            self._is_incomplete = True
            self._show_rows(latest)

    def _on_listed(self, listed: ListedRows) -> None:
        self._is_incomplete = False
        self._show(listed)
        path, sentence = self.path_bar.current, ""
        if path is not None and not listed.rows:
            from napari_medread.api import NO_READABLE_IMAGE

            sentence = f"{path.name or path}: {NO_READABLE_IMAGE}"
        self.message.value = sentence

    def _on_search_refused(self, sentence: str) -> None:
        is_rescan = self._search is not None and self._search.is_rescan
        incomplete = "The list is incomplete." if self._is_incomplete else ""
        about_list = self._describe_earlier() if is_rescan else incomplete
        self.message.value = " ".join(filter(None, (sentence, about_list)))

    def _on_searched(self) -> None:
        self._end_search()
        self._on_idle()

    def _end_search(self) -> None:
        self._search_timer.stop()
        self._searching = self._search = None

    def _cancel_search(self) -> None:
        """Stop the search, and keep what was found, or what was shown before."""
        self._show_latest()
        search = self._search
        self.tasks.drop(self._searching)
        self._end_search()
        if search is not None and search.is_rescan:
            self.message.value = f"Rescan cancelled. {self._describe_earlier()}"
        elif self._is_incomplete and search is not None:
            self.message.value = (
                f"Cancelled: the list is incomplete ({search.describe()} searched)."
            )
        else:
            self.message.value = "Cancelled."
        self._on_idle()

    def _describe_earlier(self) -> str:
        incomplete = ", which is incomplete" if self._is_incomplete else ""
        return f"The list is that of the earlier scan{incomplete}."

    # Showing the result.

    def _show_nothing(self) -> None:
        self._catalogue, self._is_incomplete = None, False
        self._thumbnail_queue.restart()
        self.tree.clear_rows()
        self._show_skipped()
        self._on_selected()

    def _show(self, listed: ListedRows) -> None:
        self._catalogue = listed.catalogue
        self._thumbnail_queue.restart()
        self._show_rows(listed)
        self._show_skipped()
        self._on_selected()

    def _show_rows(self, listed: ListedRows) -> None:
        if not self.names.value:
            titles = make_patient_titles(listed.catalogue, names=False)
            for row in listed.rows:
                row.title = titles.get(row.key, row.title)
        self.tree.show_rows(listed.rows)

    def _show_skipped(self) -> None:
        sentences = [] if self._catalogue is None else self._catalogue.skipped
        count = len(sentences)
        self.skipped.text = f"{count} {'note' if count == 1 else 'notes'} on skipped files"
        self.skipped.visible = bool(count)
        self.skipped.native.setChecked(False)
        self.reasons.value = "\n".join(sentences)
        self.reasons.visible = False

    def _show_titles(self) -> None:
        """Show the names of patients, or number them."""
        if self._catalogue is not None:
            titles = make_patient_titles(self._catalogue, names=bool(self.names.value))
            self.tree.set_titles(titles)

    def _show_reasons(self, is_checked: bool) -> None:
        self.reasons.visible = is_checked

    def _on_filled(self) -> None:
        if not self.is_busy:
            self._thumbnail_queue.make_next()

    def _on_scrolled(self) -> None:
        if not (self.is_busy or self.tree.is_filling):
            self._thumbnail_queue.make_next()

    def _on_previews(self) -> None:
        self.tree.filter(self.filter.value)  # which may match what is known now

    def _on_selected(self) -> None:
        rows = self.tree.selected()
        count = len(self.tree.selected_entries())
        self.load.text = "Load" if count < 2 else f"Load {count} volumes"
        self.load.enabled = count > 0
        self.notes.value = rows[0].tooltip if len(rows) == 1 else ""
        self.notes.visible = bool(self.notes.value)

    # Loading.

    def _on_load(self) -> None:
        entries = self.tree.selected_entries()
        if entries and not self.is_busy:
            self._load_queue.load(entries)
            self._show_running()

    def _on_cancel(self) -> None:
        if self._load_queue.is_busy:
            self._load_queue.cancel()
        elif self._searching is not None:
            self._cancel_search()

    def _stop(self) -> None:
        """Cancel everything that is under way."""
        self._on_cancel()
        self._thumbnail_queue.stop()

    def _on_idle(self) -> None:
        """Show that nothing is under way, and make thumbnails meanwhile."""
        self._show_running()
        if not self.tree.is_filling:
            self._thumbnail_queue.make_next()

    def _show_progress(self, done: int, total: int) -> None:
        if self.is_busy:
            self.progress.max, self.progress.value = max(total, 1), done

    def _show_running(self) -> None:
        is_busy = self.is_busy
        self.progress.value = 0
        self.progress.native.setMaximum(0)  # a moving bar, until the number of steps is known
        self.progress.visible = self.cancel.visible = is_busy
        self.load.visible = not is_busy
        self.path_bar.set_enabled(enabled=not self._load_queue.is_busy)
