"""The tree of a header: quick however large it is, and steady from slice to slice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import QModelIndex, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeView

from napari_medread.core.tag_elements import Key, Query, Tag, Tags
from napari_medread.core.tag_rows import Rows, Search
from napari_medread.plugin.tags.tag_model import TagModel

_WIDTHS = (126, 146, 30)
"""Of the columns before the last, in pixels."""

_AT_ONCE = 0.01
"""Seconds of searching until the window may do something else."""

_MOST_ROWS = 1500
"""So many rows are opened without being clicked on: Qt lays out all of them."""


class TagTree(QTreeView):
    """Shows a header; what is open, chosen and in view stays so from slice to slice.

    Attributes
    ----------
    chosen : Signal()
        Another element was chosen.
    copied : Signal()
        The keys for copying were pressed.
    searched : Signal()
        A search is over, or has begun and takes a while.
    """

    chosen = Signal()
    copied = Signal()
    searched = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._elements = TagModel()
        self.setModel(self._elements)
        self.setUniformRowHeights(True)
        self.setIndentation(9)
        self.setStyleSheet("QTreeView::item { padding: 2px 0px; }")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        for column, width in enumerate(_WIDTHS):
            self.setColumnWidth(column, width)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.header().setStretchLastSection(True)
        self._tags = Tags()
        self._open: dict[Key, None] = {}
        self._current: Key | None = None
        self._is_filling = False
        self.search: Search | None = None
        self.is_searching = False
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._go_on)
        self.expanded.connect(self._on_expanded)
        self.collapsed.connect(self._on_collapsed)
        self.selectionModel().currentChanged.connect(self._on_current)

    def current(self) -> tuple[Key, Tag] | None:
        """Return the chosen element and where it is; None for an item, or a group of rows."""
        row = self._elements.row_at(self.currentIndex())
        if row is None or row.group is not None or row.tag.is_item:
            return None
        return row.key, row.tag

    def show_tags(self, tags: Tags, query: Query) -> None:
        """Show the elements that a query finds, in a large header a little later."""
        is_other = tags is not self._tags
        self._tags = tags
        self.search = Search(tags, query) if query else None
        self.is_searching = self.search is not None
        if self.search is None:
            self._timer.stop()
            self._show(Rows(tags), sorted(self._open, key=len))
        elif self._go_on():
            return
        else:
            if is_other:
                self._show(Rows(), ())  # rather than the values of another slice
            self._timer.start()
        self.searched.emit()

    def _go_on(self) -> bool:
        """Search on; tell whether that is over, and what is found shown."""
        if self.search is None or not self.search.go_on(_AT_ONCE):
            return False
        self._timer.stop()
        self.is_searching = False
        self._show(self.search.rows, self.search.opened)
        self.searched.emit()
        return True

    def _show(self, rows: Rows, opened: Iterable[Key]) -> None:
        """Show rows, some of them open."""
        before = self._current
        at, across = self.verticalScrollBar().value(), self.horizontalScrollBar().value()
        self._is_filling = True
        try:
            self._elements.show(rows)
            self._expand(number for key in opened if (number := rows.number_at(key)) is not None)
            # Other formats have names and values alone.
            has_tags = any(tag.tag for tag in self._tags)
            for column in (0, 2):
                self.setColumnHidden(column, bool(self._tags) and not has_tags)
            self.setAutoScroll(False)  # which would open what the chosen element is in
            if before is not None:
                self.setCurrentIndex(self._elements.index_of(rows.number_at(before)))
            self.doItemsLayout()
        finally:
            self._is_filling = False
            self.setAutoScroll(True)
        self.verticalScrollBar().setValue(at)
        self.horizontalScrollBar().setValue(across)
        self.chosen.emit()

    def _expand(self, numbers: Iterable[int]) -> None:
        """Open rows with all around them, until there are many to lay out."""
        rows, done = self._elements.rows, set[int]()
        count = len(rows.top)
        self.scheduleDelayedItemsLayout()  # once for all of them
        for number in numbers:
            for each in (*rows.around(number), number):
                if each not in done:
                    done.add(each)
                    count += len(rows.inside(each))
                    if count > _MOST_ROWS:
                        return
                    self.setExpanded(self._elements.index_of(each), True)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Copy the chosen row, where Qt would copy a cell; open all below it, if it is not much."""
        index = self.currentIndex().siblingAtColumn(0)
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copied.emit()
        elif event.key() == Qt.Key.Key_Asterisk and index.isValid():
            self._expand(self._elements.rows.below(index.internalId(), _MOST_ROWS))
        else:
            super().keyPressEvent(event)

    def _on_expanded(self, index: QModelIndex) -> None:
        row = self._elements.row_at(index)
        if row is not None and not self._is_filling and self.search is None:
            self._open[row.key] = None

    def _on_collapsed(self, index: QModelIndex) -> None:
        row = self._elements.row_at(index)
        if row is not None and not self._is_filling and self.search is None:
            self._open.pop(row.key, None)

    def _on_current(self, index: QModelIndex) -> None:
        if not self._is_filling:
            row = self._elements.row_at(index)
            self._current = None if row is None else row.key
            self.chosen.emit()
