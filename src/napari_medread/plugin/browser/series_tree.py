"""The tree of patients, studies, series and volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QSize, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QIcon, QImage, QPainter, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QTreeWidget, QTreeWidgetItem

from napari_medread.plugin.browser.catalogue_rows import CatalogueEntry, CatalogueRow, filter_rows
from napari_medread.plugin.browser.entry_preview import THUMBNAIL_SIZE_PX, EntryPreview

_INDENTATION = 12

_AT_ONCE = 0.01
"""Seconds of adding rows until the window may do something else."""

_WIDTH = 320
"""In which a line as "CT · 512 × 512 × 1200 voxels" is not cut off."""


class SeriesTree(QTreeWidget):
    """Shows rows with thumbnails.

    Attributes
    ----------
    wanted : Signal()
        Enter, or a double click on a volume: what is selected is to be loaded.
    filled : Signal()
        All rows are shown.
    kept : Signal()
        The filter has shown or hidden rows.
    """

    wanted = Signal()
    filled = Signal()
    kept = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderHidden(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setIconSize(QSize(THUMBNAIL_SIZE_PX, THUMBNAIL_SIZE_PX))
        self.setIndentation(_INDENTATION)
        self.setMinimumWidth(_WIDTH)
        self.setStyleSheet("QTreeView::item { padding: 2px 0px; }")
        self.setToolTip("Double-click a volume, or press Enter, to load it.")
        self._rows: list[CatalogueRow] = []
        self._items: dict[CatalogueRow, QTreeWidgetItem] = {}
        self._row_of: dict[CatalogueEntry, CatalogueRow] = {}
        self._shown_by: dict[int, CatalogueRow] = {}
        self._hidden: set[CatalogueRow] = set()
        self._wanted = ""
        self._empty = _icon(QImage())
        self._waiting: Iterator[tuple[CatalogueRow, CatalogueRow | None]] = iter(())
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._fill)
        self.is_filling = False

    def show_rows(self, rows: Sequence[CatalogueRow]) -> None:
        """Show other rows, all of them open; many of them a little later."""
        self.clear()
        self._items, self._row_of, self._shown_by, self._hidden = {}, {}, {}, set()
        self._rows = list(rows)
        self._waiting = _with_parents(rows, None)
        self.is_filling = True
        self._timer.start()
        self._fill()

    def _fill(self) -> None:
        """Add rows for as long as one can wait."""
        end = perf_counter() + _AT_ONCE
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
        self.keep(self._wanted)
        self.filled.emit()

    def _item(self, row: CatalogueRow) -> QTreeWidgetItem:
        item = QTreeWidgetItem()
        self._items[row], self._shown_by[id(item)] = item, row
        self._write(row)
        if row.entry is not None:
            self._row_of[row.entry] = row
            item.setIcon(0, self._empty)
        elif not row.is_series:
            font = item.font(0)
            font.setBold(True)
            item.setFont(0, font)
        return item

    def entitle(self, titles: Sequence[str]) -> None:
        """Call the first rows at the top otherwise."""
        for row, title in zip(self._rows, titles, strict=False):
            row.title = title
            if row in self._items:
                self._write(row)
        self.keep(self._wanted)

    def _write(self, row: CatalogueRow) -> None:
        item = self._items[row]
        item.setText(0, "\n".join([row.title, *row.details]))
        item.setToolTip(0, row.tip)

    def show_look(self, look: EntryPreview) -> None:
        """Show what was found out about an entry."""
        row = self._row_of.get(look.entry)
        if row is not None:
            row.details, row.tip = look.details, look.tip
            self._write(row)
            if look.picture is not None:
                self._items[row].setIcon(0, _icon(look.picture))

    def keep(self, wanted: str) -> None:
        """Show only the rows that a filter leaves; what it hides is not selected any more."""
        self._wanted = wanted
        if self.is_filling:
            return
        shown = filter_rows(self._rows, wanted) if wanted.split() else set(self._items)
        hidden = self._items.keys() - shown
        gone = QItemSelection()
        for row in hidden - self._hidden:
            if self._items[row].isSelected():
                index = self.indexFromItem(self._items[row])
                gone.select(index, index)
        # All at once: who listens looks at all that is selected.
        self.selectionModel().select(gone, QItemSelectionModel.SelectionFlag.Deselect)
        for row in hidden ^ self._hidden:
            self._items[row].setHidden(row in hidden)
        self._hidden = set(hidden)
        self.kept.emit()

    def rows(self) -> Iterator[CatalogueRow]:
        """Yield all rows from top to bottom."""
        yield from self._items

    def rows_in_view(self) -> Iterator[CatalogueRow]:
        """Yield the rows that can be seen now."""
        item = self.itemAt(1, 1)
        bottom = self.viewport().rect().bottom()
        while item is not None and self.visualItemRect(item).top() <= bottom:
            yield self._shown_by[id(item)]
            item = self.itemBelow(item)

    def selected(self) -> list[CatalogueRow]:
        """Return the selected rows from top to bottom."""
        return [row for row, item in self._items.items() if item.isSelected()]

    def selected_entries(self) -> list[CatalogueEntry]:
        """Return what the selected rows load, each once, as far as the filter shows it."""
        found = (
            row.entry
            for chosen in self.selected()
            for row in _with_below(chosen)
            if row.entry is not None and not self._items[row].isHidden()
        )
        return list(dict.fromkeys(found))

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Load by Enter; open and close what has rows below it."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
            return
        chosen = self.selected()
        if any(row.is_series for row in chosen):
            self.wanted.emit()
        for row in chosen:
            if not row.is_series:
                self._items[row].setExpanded(not self._items[row].isExpanded())

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Load a volume; open and close what has rows below it."""
        item = self.itemAt(event.pos())
        row = None if item is None else self._shown_by[id(item)]
        if row is None or row.entry is None:
            super().mouseDoubleClickEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton:
            self.wanted.emit()


def _with_parents(
    rows: Sequence[CatalogueRow], above: CatalogueRow | None
) -> Iterator[tuple[CatalogueRow, CatalogueRow | None]]:
    """Yield rows and those below them from top to bottom, each with what it is in."""
    for row in rows:
        yield row, above
        yield from _with_parents(row.children, row)


def _with_below(row: CatalogueRow) -> Iterator[CatalogueRow]:
    yield row
    for child in row.children:
        yield from _with_below(child)


def _icon(picture: QImage) -> QIcon:
    """Return a picture in the middle of a black square, which stays as it is when selected."""
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
