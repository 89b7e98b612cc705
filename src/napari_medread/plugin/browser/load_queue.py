"""Loads entries of a catalogue in the background, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from psygnal import Signal

from napari_medread.plugin.browser.catalogue_rows import CatalogueEntry
from napari_medread.plugin.browser.loaded_layers import EntryLayers, LoadedLayers, read_entry
from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.panel_tasks import PanelTasks
from napari_medread.plugin.gui.preferences import get_lazy_above_bytes

MAX_SENTENCES = 3
"""Number of sentences that fit below the tree."""


class LoadQueue:
    """Reads entries, adds their layers, and reports what came of it.

    Parameters
    ----------
    layers : LoadedLayers
        The layers of the viewer.
    tasks : PanelTasks
        The background tasks of the panel.

    Attributes
    ----------
    progressed : Signal(int, int)
        Steps done of the entry that is being read, and their number.
    reported : Signal(str)
        What is being done, or was done, as a sentence.
    ended : Signal()
        There is nothing left to load.
    """

    progressed = Signal(int, int)
    reported = Signal(str)
    ended = Signal()

    def __init__(self, layers: LoadedLayers, tasks: PanelTasks) -> None:
        self._layers, self._tasks = layers, tasks
        self._reading: BackgroundTask | None = None
        self._entries: list[CatalogueEntry] = []
        self._loaded_count = 0
        self._sentences: list[str] = []

    @property
    def is_busy(self) -> bool:
        """Whether something is being loaded."""
        return self._reading is not None

    def load(self, entries: Sequence[CatalogueEntry]) -> None:
        """Load entries; where one is open already, select its layer."""
        self._entries, self._loaded_count, self._sentences = [], 0, []
        self._layers.begin_group()
        for entry in entries:
            layer = self._layers.find_layer(entry)
            if layer is None:
                self._entries.append(entry)
            else:
                self._layers.select(layer)
                self._sentences.append(f"{entry.name} is already open: its layer was selected.")
        self._load_next()

    def cancel(self) -> None:
        """Stop; what is loaded stays."""
        if self._reading is not None:
            self._tasks.drop(self._reading)
            self._reading, self._entries = None, []
            self._end("Cancelled.")

    def _load_next(self) -> None:
        if not self._entries:
            self._end()
            return
        entry = self._entries[0]
        more = len(self._entries) - 1
        self.reported.emit(f"Loading {entry.name}{f' ({more} more to come)' if more else ''}…")
        self._reading = self._tasks.start(
            BackgroundTask(partial(read_entry, entry, get_lazy_above_bytes())),
            on_progress=self._on_progress,
            on_result=self._on_read,
            on_refused=self._on_refused,
            on_finished=self._on_finished,
        )

    def _on_progress(self, done: int, total: int) -> None:
        self.progressed.emit(done, total)

    def _on_refused(self, sentence: str) -> None:
        self._sentences.append(sentence)

    def _on_read(self, entry_layers: EntryLayers) -> None:
        self._layers.add(entry_layers)
        self._loaded_count += len(entry_layers.layers)

    def _on_finished(self) -> None:
        self._reading = None
        self._entries.pop(0)
        self._load_next()

    def _end(self, last: str = "") -> None:
        """Report how many volumes were loaded, and the first of the other sentences."""
        self._layers.end_group()
        count = self._loaded_count
        loaded = f"Loaded {count} {'volume' if count == 1 else 'volumes'}." if count else ""
        more = len(self._sentences) - MAX_SENTENCES
        rest = f"And {more} more." if more > 0 else ""
        sentences = (loaded, *self._sentences[:MAX_SENTENCES], rest, last)
        self.reported.emit(" ".join(filter(None, sentences)))
        self.ended.emit()
