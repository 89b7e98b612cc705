"""The tree of patients, studies, series and volumes, with thumbnails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        self._items: dict[CatalogueRow, QTreeWidgetItem] = {}
        self._rows_by_entry: dict[CatalogueEntry, CatalogueRow] = {}
        self._rows_by_item: dict[int, CatalogueRow] = {}
        self._hidden: set[CatalogueRow] = set()
        self._filter_text = ""
        self._empty_icon = _make_icon(QImage())
        self._waiting: Iterator[tuple[CatalogueRow, CatalogueRow | None]] = iter(())
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._fill)
        self.is_filling = False

    def show_rows(self, rows: Sequence[CatalogueRow]) -> None:
        """Show other rows, all expanded; where there are many, the rest follow a little later."""
        self.clear()
        self._items, self._rows_by_entry, self._rows_by_item, self._hidden = {}, {}, {}, set()
        self._rows = list(rows)
        self._waiting = _with_parents(rows, None)
        self.is_filling = True
        self._timer.start()
        self._fill()

    def _fill(self) -> None:
        """Add rows, until other events should be handled."""
        end = perf_counter() + _FILL_TIME_S
        for row, above in self._waiting:
            item = self._item(row)
            if above is None:
                self.addTopLevelItem(item)
            else:
                self._items[above].addChild(item)
            item.setExpanded(True)
            if perf_counter() > end:
                return
        self._timer.stop()
        self.is_filling = False
        self.filter(self._filter_text)
        self.filled.emit()

    def _item(self, row: CatalogueRow) -> QTreeWidgetItem:
        item = QTreeWidgetItem()
        self._items[row], self._rows_by_item[id(item)] = item, row
        self._write(row)
        if row.entry is not None:
            self._rows_by_entry[row.entry] = row
            item.setIcon(0, self._empty_icon)
        elif not row.is_series:
            font = item.font(0)
            font.setBold(True)
            item.setFont(0, font)
        return item

    def set_titles(self, titles: Sequence[str]) -> None:
        """Change the titles of the first rows at the top."""
        for row, title in zip(self._rows, titles, strict=False):
            row.title = title
            if row in self._items:
                self._write(row)
        self.filter(self._filter_text)

    def _write(self, row: CatalogueRow) -> None:
        item = self._items[row]
        item.setText(0, "\n".join([row.title, *row.details]))
        item.setToolTip(0, row.tooltip)

    def show_preview(self, preview: EntryPreview) -> None:
        """Show details, notes and thumbnail of an entry."""
        row = self._rows_by_entry.get(preview.entry)
        if row is not None:
            row.details, row.tooltip = preview.details, preview.tooltip
            self._write(row)
            if preview.thumbnail is not None:
                self._items[row].setIcon(0, _make_icon(preview.thumbnail))

    def filter(self, text: str) -> None:
        """Show only the rows that a filter leaves, and deselect those that it hides."""
        self._filter_text = text
        if self.is_filling:
            return
        shown = filter_rows(self._rows, text) if text.split() else set(self._items)
        hidden = self._items.keys() - shown
        deselected = QItemSelection()
        for row in hidden - self._hidden:
            if self._items[row].isSelected():
                index = self.indexFromItem(self._items[row])
                deselected.select(index, index)
        # In one step: each change of the selection makes the panel go through all selected rows.
        self.selectionModel().select(deselected, QItemSelectionModel.SelectionFlag.Deselect)
        for row in hidden ^ self._hidden:
            self._items[row].setHidden(row in hidden)
        self._hidden = set(hidden)
        self.filtered.emit()

    def rows(self) -> Iterator[CatalogueRow]:
        """Yield all rows from top to bottom."""
        yield from self._items

    def rows_in_view(self) -> Iterator[CatalogueRow]:
        """Yield the rows that can be seen now."""
        item = self.itemAt(1, 1)
        bottom = self.viewport().rect().bottom()
        while item is not None and self.visualItemRect(item).top() <= bottom:
            yield self._rows_by_item[id(item)]
            item = self.itemBelow(item)

    def selected(self) -> list[CatalogueRow]:
        """Return the selected rows from top to bottom."""
        return [row for row, item in self._items.items() if item.isSelected()]

    def selected_entries(self) -> list[CatalogueEntry]:
        """Return the entries that the selected rows load, each once, without those filtered out."""
        found = (
            row.entry
            for chosen in self.selected()
            for row in _with_below(chosen)
            if row.entry is not None and not self._items[row].isHidden()
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
                self._items[row].setExpanded(not self._items[row].isExpanded())

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Load a volume; expand or collapse a row with rows below it."""
        item = self.itemAt(event.pos())
        row = None if item is None else self._rows_by_item[id(item)]
        if row is None or row.entry is None:
            super().mouseDoubleClickEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton:
            self.load_requested.emit()


def _with_parents(
    rows: Sequence[CatalogueRow], above: CatalogueRow | None
) -> Iterator[tuple[CatalogueRow, CatalogueRow | None]]:
    """Yield rows and those below them from top to bottom, each with the row above it."""
    for row in rows:
        yield row, above
        yield from _with_parents(row.children, row)


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
