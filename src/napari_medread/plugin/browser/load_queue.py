"""Loads what was chosen in a catalogue, one after the other beside the window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_medread.plugin.browser.catalogue_loading import EntryLayers, LoadedLayers, read_entry
from napari_medread.plugin.browser.catalogue_rows import CatalogueEntry
from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.panel_tasks import Beside
from napari_medread.plugin.gui.preferences import get_lazy_above_bytes

MAX_SENTENCES = 3
"""So many sentences fit below the list."""


class LoadQueue(QObject):
    """Reads entries and adds their layers, and says what came of it.

    Parameters
    ----------
    layers : Loaded
        Of the viewer.
    beside : Beside
        Begins the work.

    Attributes
    ----------
    progressed : Signal(int, int)
        How many steps are done of what is being read, and of how many.
    said : Signal(str)
        What it is doing, or has done.
    ended : Signal()
        There is nothing more to load.
    """

    progressed = Signal(int, int)
    said = Signal(str)
    ended = Signal()

    def __init__(self, layers: LoadedLayers, beside: Beside) -> None:
        super().__init__(beside)
        self._layers, self._beside = layers, beside
        self._work: BackgroundTask | None = None
        self._entries: list[CatalogueEntry] = []
        self._count = 0
        self._sentences: list[str] = []

    @property
    def is_busy(self) -> bool:
        """Whether something is being loaded."""
        return self._work is not None

    def load(self, entries: Sequence[CatalogueEntry]) -> None:
        """Load entries; of one that is open its layer is selected."""
        self._entries, self._count, self._sentences = [], 0, []
        self._layers.begin()
        for entry in entries:
            layer = self._layers.layer_of(entry)
            if layer is None:
                self._entries.append(entry)
            else:
                self._layers.select(layer)
                self._sentences.append(f"{entry.name} is open already: its layer was selected.")
        self._next()

    def cancel(self) -> None:
        """Stop; what is loaded stays."""
        if self._work is not None:
            self._beside.drop(self._work)
            self._work, self._entries = None, []
            self._end("Cancelled.")

    def _next(self) -> None:
        if not self._entries:
            self._end()
            return
        entry = self._entries[0]
        more = f" ({len(self._entries) - 1} more to come)" if len(self._entries) > 1 else ""
        self.said.emit(f"Loading {entry.name}{more}…")
        self._work = self._beside.begin(
            partial(read_entry, entry, get_lazy_above_bytes()),
            progressed=self._on_progressed,
            returned=self._on_returned,
            refused=self._on_refused,
            finished=self._on_finished,
        )

    def _on_progressed(self, done: int, total: int) -> None:
        self.progressed.emit(done, total)

    def _on_refused(self, sentence: str) -> None:
        self._sentences.append(sentence)

    def _on_returned(self, found: EntryLayers) -> None:
        self._layers.add(found)
        self._count += len(found.layers)

    def _on_finished(self) -> None:
        self._beside.forget(self._work)
        self._work = None
        self._entries.pop(0)
        self._next()

    def _end(self, last: str = "") -> None:
        """Say what was loaded, and the first few of what else there is to say."""
        self._layers.end()
        what = "volume was" if self._count == 1 else "volumes were"
        counted = f"{self._count} {what} loaded." if self._count else ""
        more = len(self._sentences) - MAX_SENTENCES
        rest = f"And {more} more." if more > 0 else ""
        said = (counted, *self._sentences[:MAX_SENTENCES], rest, last)
        self.said.emit(" ".join(filter(None, said)))
        self.ended.emit()
