"""The tree of a header: fast for large headers, and stable from slice to slice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import QModelIndex, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeView

from napari_medread.core.tag_elements import ElementKey, Tag, TagQuery, Tags
from napari_medread.core.tag_rows import TagRows, TagSearch
from napari_medread.plugin.tags.tag_model import TagModel

_COLUMN_WIDTHS_PX = (126, 146, 30)
"""Widths of the columns before the last."""

_SEARCH_TIME_S = 0.01
"""Seconds of searching until other events are handled."""

_MAX_EXPANDED_ROWS = 1500
"""Maximum number of rows that are expanded automatically: Qt lays out all of them."""


class TagTree(QTreeView):
    """Shows a header; keeps expanded rows, selection and scroll position from slice to slice.

    Attributes
    ----------
    selected : Signal()
        Another element was selected.
    copy_pressed : Signal()
        The keys for copying were pressed.
    search_changed : Signal()
        A search has ended, or has started and takes a while.
    """

    selected = Signal()
    copy_pressed = Signal()
    search_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._elements = TagModel()
        self.setModel(self._elements)
        self.setToolTip("The header of the displayed slice. Ctrl+C copies the selected row.")
        self.setUniformRowHeights(True)
        self.setIndentation(9)
        self.setStyleSheet("QTreeView::item { padding: 2px 0px; }")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        for column, width in enumerate(_COLUMN_WIDTHS_PX):
            self.setColumnWidth(column, width)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.header().setStretchLastSection(True)
        self._tags = Tags()
        self._expanded: dict[ElementKey, None] = {}
        self._current: ElementKey | None = None
        self._is_updating = False
        self.search: TagSearch | None = None
        self.is_searching = False
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._continue_search)
        self.expanded.connect(self._on_expanded)
        self.collapsed.connect(self._on_collapsed)
        self.selectionModel().currentChanged.connect(self._on_current)

    def get_selected(self) -> tuple[ElementKey, Tag] | None:
        """Return key and tag of the selected element; None for an item or a group of rows."""
        row = self._elements.row_at(self.currentIndex())
        if row is None or row.group_range is not None or row.tag.is_item:
            return None
        return row.key, row.tag

    def show_tags(self, tags: Tags, query: TagQuery) -> None:
        """Show the elements that match a query, in a large header a little later."""
        is_other = tags is not self._tags
        self._tags = tags
        self.search = TagSearch(tags, query) if query else None
        self.is_searching = self.search is not None
        if self.search is None:
            self._timer.stop()
            self._show(TagRows(tags), sorted(self._expanded, key=len))
        elif self._continue_search():
            return
        else:
            if is_other:
                self._show(TagRows(), ())  # rather than the values of another slice
            self._timer.start()
        self.search_changed.emit()

    def _continue_search(self) -> bool:
        """Continue the search; return whether it has ended and its result is shown."""
        if self.search is None or not self.search.continue_for(_SEARCH_TIME_S):
            return False
        self._timer.stop()
        self.is_searching = False
        self._show(self.search.rows, self.search.expanded_keys)
        self.search_changed.emit()
        return True

    def _show(self, rows: TagRows, opened: Iterable[ElementKey]) -> None:
        """Show rows, some of them expanded."""
        before = self._current
        at, across = self.verticalScrollBar().value(), self.horizontalScrollBar().value()
        self._is_updating = True
        try:
            self._elements.show(rows)
            self._expand(number for key in opened if (number := rows.find_number(key)) is not None)
            # Headers of other formats have names and values only.
            has_tags = any(tag.tag for tag in self._tags)
            for column in (0, 2):
                self.setColumnHidden(column, bool(self._tags) and not has_tags)
            self.setAutoScroll(False)  # which would expand the rows around the selected element
            if before is not None:
                self.setCurrentIndex(self._elements.index_of(rows.find_number(before)))
            self.doItemsLayout()
        finally:
            self._is_updating = False
            self.setAutoScroll(True)
        self.verticalScrollBar().setValue(at)
        self.horizontalScrollBar().setValue(across)
        self.selected.emit()

    def _expand(self, numbers: Iterable[int]) -> None:
        """Expand rows and all rows around them, until there are too many to lay out."""
        rows, done = self._elements.rows, set[int]()
        count = len(rows.top_level)
        self.scheduleDelayedItemsLayout()  # once for all of them
        for number in numbers:
            for each in (*rows.find_ancestors(number), number):
                if each not in done:
                    done.add(each)
                    count += len(rows.get_children(each))
                    if count > _MAX_EXPANDED_ROWS:
                        return
                    self.setExpanded(self._elements.index_of(each), True)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Copy the selected row, where Qt would copy a cell; expand all rows below it with *."""
        index = self.currentIndex().siblingAtColumn(0)
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_pressed.emit()
        elif event.key() == Qt.Key.Key_Asterisk and index.isValid():
            self._expand(
                self._elements.rows.find_expandable(index.internalId(), _MAX_EXPANDED_ROWS)
            )
        else:
            super().keyPressEvent(event)

    def _on_expanded(self, index: QModelIndex) -> None:
        row = self._elements.row_at(index)
        if row is not None and not self._is_updating and self.search is None:
            self._expanded[row.key] = None

    def _on_collapsed(self, index: QModelIndex) -> None:
        row = self._elements.row_at(index)
        if row is not None and not self._is_updating and self.search is None:
            self._expanded.pop(row.key, None)

    def _on_current(self, index: QModelIndex) -> None:
        if not self._is_updating:
            row = self._elements.row_at(index)
            self._current = None if row is None else row.key
            self.selected.emit()
