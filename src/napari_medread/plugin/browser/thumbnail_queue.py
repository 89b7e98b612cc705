"""Makes the thumbnails of a tree, those in view first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_medread.core.progress import Progress
from napari_medread.plugin.browser.catalogue_rows import CatalogueEntry, CatalogueRow
from napari_medread.plugin.browser.entry_preview import EntryPreview, make_preview
from napari_medread.plugin.browser.series_tree import SeriesTree
from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.panel_tasks import Beside

_BATCH = 12
"""Thumbnails that are made before it is asked again which are in view."""


class ThumbnailQueue(QObject):
    """Looks at the volumes of a tree one after the other.

    Parameters
    ----------
    tree : SeriesTree
        What shows them.
    beside : Beside
        Begins the work.

    Attributes
    ----------
    looked : Signal()
        More is known of some rows.
    """

    looked = Signal()

    def __init__(self, tree: SeriesTree, beside: Beside) -> None:
        super().__init__(tree)
        self._tree, self._beside = tree, beside
        self._work: BackgroundTask | None = None
        self._seen: set[CatalogueEntry] = set()
        self._made: deque[EntryPreview] = deque()

    @property
    def is_busy(self) -> bool:
        """Whether some are being made."""
        return self._work is not None

    def go_on(self) -> None:
        """Make the next ones, if there are any and none are being made."""
        if self._work is not None:
            return
        rows = chain(self._tree.rows_in_view(), self._tree.rows())
        batch: list[CatalogueRow] = []
        for row in rows:
            if row.entry is not None and row.entry not in self._seen:
                self._seen.add(row.entry)  # once, whatever comes of it
                batch.append(row)
                if len(batch) == _BATCH:
                    break
        if not batch:
            return
        self._work = self._beside.begin(
            partial(_look_at_all, batch, self._made.append),
            progressed=self._on_progressed,
            returned=self._on_returned,
            refused=self._on_refused,
            finished=self._on_finished,
        )

    def stop(self) -> None:
        """Make no more."""
        self._beside.drop(self._work)
        self._work, self._made = None, deque()

    def start_anew(self) -> None:
        """Forget what was looked at."""
        self.stop()
        self._seen = set()

    def _on_progressed(self, done: int, total: int) -> None:
        del done, total
        self._show()

    def _on_returned(self, result: object) -> None:
        del result
        self._show()

    def _on_refused(self, sentence: str) -> None:
        """Say nothing: what is wrong with a volume is said when it is loaded."""

    def _on_finished(self) -> None:
        self._beside.forget(self._work)
        self._work = None
        self.looked.emit()
        self.go_on()

    def _show(self) -> None:
        while self._made:
            self._tree.show_look(self._made.popleft())


def _look_at_all(
    rows: Sequence[CatalogueRow], tell: Callable[[EntryPreview], None], progress: Progress
) -> None:
    for row in progress(rows, "Looking"):
        tell(make_preview(row, progress))
