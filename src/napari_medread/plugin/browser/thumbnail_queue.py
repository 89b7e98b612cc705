"""Makes the previews and thumbnails of a tree in the background, those in view first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

from psygnal import Signal

from napari_medread.core.progress import Progress
from napari_medread.plugin.browser.catalogue_rows import CatalogueEntry, CatalogueRow
from napari_medread.plugin.browser.entry_preview import EntryPreview, make_preview
from napari_medread.plugin.browser.series_tree import SeriesTree
from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.panel_tasks import PanelTasks

_BATCH_SIZE = 12
"""Previews that are made before the rows in view are asked for again."""

MAX_ENTRIES_OUT_OF_VIEW = 200
"""In longer lists only the rows in view get previews: each needs a file to be read."""


class ThumbnailQueue:
    """Makes the previews of the entries in a tree, one after the other.

    Parameters
    ----------
    tree : SeriesTree
        The tree that shows them.
    tasks : PanelTasks
        The background tasks of the panel.

    Attributes
    ----------
    updated : Signal()
        Some rows show more than before.
    """

    updated = Signal()

    def __init__(self, tree: SeriesTree, tasks: PanelTasks) -> None:
        self._tree, self._tasks = tree, tasks
        self._making: BackgroundTask | None = None
        self._requested: set[CatalogueEntry] = set()
        self._previews: deque[EntryPreview] = deque()

    @property
    def is_busy(self) -> bool:
        """Whether previews are being made."""
        return self._making is not None

    def make_next(self) -> None:
        """Make the next previews, unless some are being made or there are none left."""
        if self._making is not None:
            return
        batch: list[CatalogueRow] = []
        is_long = self._tree.entry_count > MAX_ENTRIES_OUT_OF_VIEW
        for row in chain(self._tree.rows_in_view(), () if is_long else self._tree.rows()):
            if row.entry is not None and row.entry not in self._requested:
                self._requested.add(row.entry)  # once, whether it succeeds or not
                batch.append(row)
                if len(batch) == _BATCH_SIZE:
                    break
        if not batch:
            return
        self._making = self._tasks.start(
            BackgroundTask(partial(_make_previews, batch, self._previews.append)),
            on_progress=self._on_progress,
            on_result=self._on_result,
            on_finished=self._on_finished,
        )

    def stop(self) -> None:
        """Make no more previews."""
        self._tasks.drop(self._making)
        self._making, self._previews = None, deque()

    def restart(self) -> None:
        """Stop, and make every preview again when asked for it."""
        self.stop()
        self._requested = set()

    def _on_progress(self, done: int, total: int) -> None:
        del done, total
        self._show_previews()

    def _on_result(self, result: object) -> None:
        del result
        self._show_previews()

    def _on_finished(self) -> None:
        self._making = None
        self.updated.emit()
        self.make_next()

    def _show_previews(self) -> None:
        while self._previews:
            self._tree.show_preview(self._previews.popleft())


def _make_previews(
    rows: Sequence[CatalogueRow], add: Callable[[EntryPreview], None], progress: Progress
) -> None:
    for row in progress(rows, "Previewing"):
        add(make_preview(row, progress))
