"""The tree of patients, studies, series and volumes, with thumbnails."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QSize, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QIcon, QImage, QPainter, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QTreeWidget, QTreeWidgetItem

from napari_medread.plugin.browser.catalogue_rows import CatalogueEntry, CatalogueRow, filter_rows
from napari_medread.plugin.browser.entry_preview import THUMBNAIL_SIZE_PX, EntryPreview

_INDENTATION_PX = 12

_FILL_TIME_S = 0.01
"""Seconds of adding rows until other events are handled."""

_MIN_WIDTH_PX = 320
"""Width in which a line like "CT · 512 × 512 × 1200 voxels" is not cut off."""


class SeriesTree(QTreeWidget):
    """Shows rows with thumbnails.

    Attributes
    ----------
    load_requested : Signal()
        Enter was pressed, or a volume double-clicked: the selected rows should be loaded.
    filled : Signal()
        All rows have been added.
    filtered : Signal()
        The filter has shown or hidden rows.
    """

    load_requested = Signal()
    filled = Signal()
    filtered = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderHidden(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setIconSize(QSize(THUMBNAIL_SIZE_PX, THUMBNAIL_SIZE_PX))
        self.setIndentation(_INDENTATION_PX)
        self.setMinimumWidth(_MIN_WIDTH_PX)
        self.setStyleSheet("QTreeView::item { padding: 2px 0px; }")
        self.setToolTip("Double-click a volume, or press Enter, to load it.")
        self._rows: list[CatalogueRow] = []
        self._items: dict[Hashable, QTreeWidgetItem] = {}
        self._rows_by_entry: dict[CatalogueEntry, CatalogueRow] = {}
        self._rows_by_item: dict[int, CatalogueRow] = {}
        self._hidden: set[Hashable] = set()
        self._filter_text = ""
        self._empty_icon = _make_icon(QImage())
        self._merging: Iterator[None] = iter(())
        self._next_rows: list[CatalogueRow] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._fill)
        self.is_filling = False

    def show_rows(self, rows: Sequence[CatalogueRow]) -> None:
        """Show other rows, all expanded; where there are many, the rest follow a little later.

        Rows that are shown already, by their keys, stay as they are: expanded or not, selected, and
        with their thumbnails.
        """
        self._next_rows = list(rows)
        if not self.is_filling:
            self.is_filling = True
            self._timer.start()
            self._fill()

    def clear_rows(self) -> None:
        """Show no rows, at once."""
        self._timer.stop()
        self.is_filling, self._merging, self._next_rows = False, iter(()), None
        self.clear()
        self._rows, self._items, self._hidden = [], {}, set()
        self._rows_by_entry, self._rows_by_item = {}, {}

    def _fill(self) -> None:
        """Add, change and remove rows, until other events should be handled."""
        end = perf_counter() + _FILL_TIME_S
        anchor = self.itemAt(1, 1) if self.verticalScrollBar().value() else None
        top = 0 if anchor is None else self.visualItemRect(anchor).top()
        is_done = self._merge_until(end)
        if anchor is not None and id(anchor) in self._rows_by_item:
            # What the user looks at stays where it is, although rows come above it.
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + self.visualItemRect(anchor).top() - top)
        if not is_done:
            return
        self._timer.stop()
        self.is_filling = False
        self.filter(self._filter_text)
        self.filled.emit()

    def _merge_until(self, end: float) -> bool:
        """Go on until a time; return whether all rows are as they should be."""
        while True:
            for _ in self._merging:
                if perf_counter() > end:
                    return False
            if self._next_rows is None:
                return True
            self._rows, self._next_rows = self._next_rows, None
            self._rows_by_entry = {row.entry: row for row in self.rows() if row.entry is not None}
            self._merging = self._merge(self._rows, self.invisibleRootItem())

    def _merge(self, rows: Sequence[CatalogueRow], parent: QTreeWidgetItem) -> Iterator[None]:
        """Make the rows below an item equal to others, one at each step."""
        keys = {row.key for row in rows}
        for n, row in enumerate(rows):
            while (old := parent.child(n)) is not None and self._key(old) not in keys:
                self._remove(parent, n)
                yield
            item = self._items.get(row.key)
            if item is None:
                item = self._make_item(row)
                parent.insertChild(n, item)
                item.setExpanded(True)
            else:
                self._rows_by_item[id(item)] = row
                self._write(row)
                if item is not old:
                    self._move(item, n)
            yield
            yield from self._merge(row.children, item)
        while parent.childCount() > len(rows):
            self._remove(parent, len(rows))
            yield

    def _key(self, item: QTreeWidgetItem) -> Hashable:
        return self._rows_by_item[id(item)].key

    def _move(self, item: QTreeWidgetItem, index: int) -> None:
        """Move an item to another place among those of its parent, and leave it as it is."""
        parent = item.parent() or self.invisibleRootItem()
        # Qt forgets these of an item that is taken out.
        states = [
            (each, each.isExpanded(), each.isHidden(), each.isSelected())
            for each in _with_items_below(item)
        ]
        parent.removeChild(item)
        parent.insertChild(index, item)
        for each, is_expanded, is_hidden, is_selected in states:
            each.setExpanded(is_expanded)
            each.setHidden(is_hidden)
            each.setSelected(is_selected)

    def _remove(self, parent: QTreeWidgetItem, index: int) -> None:
        """Remove an item and those below it."""
        for each in _with_items_below(parent.takeChild(index)):
            row = self._rows_by_item.pop(id(each))
            self._hidden.discard(row.key)
            del self._items[row.key]

    def _make_item(self, row: CatalogueRow) -> QTreeWidgetItem:
        item = QTreeWidgetItem()
        self._items[row.key], self._rows_by_item[id(item)] = item, row
        self._write(row)
        if not row.is_series:
            font = item.font(0)
            font.setBold(True)
            item.setFont(0, font)
        return item

    def set_titles(self, titles: Mapping[Hashable, str]) -> None:
        """Change the titles of rows at the top, by their keys, of those that come too."""
        for row in (*self._rows, *(self._next_rows or ())):
            row.title = titles.get(row.key, row.title)
        for key in titles.keys() & self._items.keys():
            shown = self._rows_by_item[id(self._items[key])]  # which may be about to be replaced
            shown.title = titles[key]
            self._write(shown)
        self.filter(self._filter_text)

    def _write(self, row: CatalogueRow) -> None:
        item, text = self._items[row.key], "\n".join([row.title, *row.details])
        if item.text(0) != text:
            item.setText(0, text)
        if item.toolTip(0) != row.tooltip:
            item.setToolTip(0, row.tooltip)
        if (row.entry is None) != item.icon(0).isNull():
            item.setIcon(0, QIcon() if row.entry is None else self._empty_icon)

    def show_preview(self, preview: EntryPreview) -> None:
        """Show details, notes and thumbnail of an entry."""
        row = self._rows_by_entry.get(preview.entry)
        if row is not None and row.key in self._items:
            row.details, row.tooltip = preview.details, preview.tooltip
            self._write(row)
            if preview.thumbnail is not None:
                self._items[row.key].setIcon(0, _make_icon(preview.thumbnail))

    def filter(self, text: str) -> None:
        """Show only the rows that a filter leaves, and deselect those that it hides."""
        self._filter_text = text
        if self.is_filling:
            return
        hidden: set[Hashable] = set()
        if text.split():
            hidden = self._items.keys() - {row.key for row in filter_rows(self._rows, text)}
        deselected = QItemSelection()
        for key in hidden - self._hidden:
            if self._items[key].isSelected():
                index = self.indexFromItem(self._items[key])
                deselected.select(index, index)
        # In one step: each change of the selection makes the panel go through all selected rows.
        self.selectionModel().select(deselected, QItemSelectionModel.SelectionFlag.Deselect)
        for key in hidden ^ self._hidden:
            self._items[key].setHidden(key in hidden)
        self._hidden = hidden
        self.filtered.emit()

    @property
    def entry_count(self) -> int:
        """Number of entries that can be loaded."""
        return len(self._rows_by_entry)

    def rows(self) -> Iterator[CatalogueRow]:
        """Yield all rows from top to bottom."""
        for row in self._rows:
            yield from _with_below(row)

    def rows_in_view(self) -> Iterator[CatalogueRow]:
        """Yield the rows that can be seen now."""
        item = self.itemAt(1, 1)
        bottom = self.viewport().rect().bottom()
        while item is not None and self.visualItemRect(item).top() <= bottom:
            yield self._rows_by_item[id(item)]
            item = self.itemBelow(item)

    def selected(self) -> list[CatalogueRow]:
        """Return the selected rows from top to bottom."""
        chosen = {id(item) for item in self.selectedItems()}
        return [row for row in self.rows() if chosen and id(self._items.get(row.key)) in chosen]

    def selected_entries(self) -> list[CatalogueEntry]:
        """Return the entries that the selected rows load, each once, without those filtered out."""
        found = (
            row.entry
            for chosen in self.selected()
            for row in _with_below(chosen)
            if row.entry is not None and not self._items[row.key].isHidden()
        )
        return list(dict.fromkeys(found))

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Load the selected rows by Enter; expand or collapse patients and studies."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
            return
        chosen = self.selected()
        if any(row.is_series for row in chosen):
            self.load_requested.emit()
        for row in chosen:
            if not row.is_series:
                self._items[row.key].setExpanded(not self._items[row.key].isExpanded())

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Load a volume; expand or collapse a row with rows below it."""
        item = self.itemAt(event.pos())
        row = None if item is None else self._rows_by_item[id(item)]
        if row is None or row.entry is None:
            super().mouseDoubleClickEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton:
            self.load_requested.emit()


def _with_items_below(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    """Return an item and all items below it."""
    below = [each for n in range(item.childCount()) for each in _with_items_below(item.child(n))]
    return [item, *below]


def _with_below(row: CatalogueRow) -> Iterator[CatalogueRow]:
    yield row
    for child in row.children:
        yield from _with_below(child)


def _make_icon(picture: QImage) -> QIcon:
    """Return an icon of a picture in the middle of a black square, the same when selected."""
    square = QPixmap(THUMBNAIL_SIZE_PX, THUMBNAIL_SIZE_PX)
    square.fill(QColor("black"))
    if not picture.isNull():
        painter = QPainter(square)
        painter.drawImage(
            (THUMBNAIL_SIZE_PX - picture.width()) // 2,
            (THUMBNAIL_SIZE_PX - picture.height()) // 2,
            picture,
        )
        painter.end()
    icon = QIcon(square)
    icon.addPixmap(square, QIcon.Mode.Selected)
    return icon
