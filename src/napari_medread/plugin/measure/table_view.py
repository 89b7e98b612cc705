"""A table of measurements, to read, copy and export."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QAbstractTableModel, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QApplication, QTableView, QVBoxLayout, QWidget

from napari_medread.core.atomic_files import open_atomic_file
from napari_medread.core.progress import Progress
from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.measure.measurement_table import MeasurementTable, format_cell

_WIDTH, _HEIGHT = 410, 230
"""In pixels: the values of regions, and about eight rows."""

_MAX_SAMPLED_ROWS = 50
"""Rows by which the width of a column is found: Qt's own way takes long."""

_CELL_MARGIN_PX = 12
"""In pixels, for both sides of a cell."""

_ALIGN_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class MeasurementTableView(QWidget):
    """Shows a table; what it holds can be copied and exported.

    Attributes
    ----------
    table : Table
        What is shown.
    blocks : list of QTableView
        The table, and below it the columns for which there is no width beside it. Only those
        are visible that have columns.
    """

    def __init__(self) -> None:
        super().__init__()
        self.table = MeasurementTable()
        self.blocks = [_ColumnBlock(), _ColumnBlock()]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for block in self.blocks:
            layout.addWidget(block, 1)
        for one, other in (self.blocks, self.blocks[::-1]):
            one.verticalScrollBar().valueChanged.connect(other.verticalScrollBar().setValue)
        self.setMinimumSize(_WIDTH, _HEIGHT)
        self.setToolTip("What is measured. Numbers are rounded here, and exact in what is copied.")
        self.show_table(self.table)

    def show_table(self, table: MeasurementTable) -> None:
        """Show a table in place of the one before."""
        self.table = table
        columns = table.blocks()
        for n, block in enumerate(self.blocks):
            block.setVisible(n < len(columns))
            block.show_columns(table, columns[n] if n < len(columns) else [])

    def copying(self) -> BackgroundTask:
        """Return the work that puts the table on the clipboard, as spreadsheets take it."""
        table = self.table
        work = BackgroundTask(lambda progress: table.text("\t", progress))
        work.returned.connect(lambda text: QApplication.clipboard().setText(text))
        return work

    def exporting(self, path: Path) -> BackgroundTask:
        """Return the work that writes the table as CSV; a file is there whole or not at all."""
        return BackgroundTask(partial(_write_csv, self.table, path))


def _write_csv(table: MeasurementTable, path: Path, progress: Progress) -> None:
    # Spreadsheets take it for UTF-8 by its mark.
    text = table.text(",", progress).encode("utf-8-sig")
    with open_atomic_file(path) as file:
        file.write(text)


class _ColumnBlock(QTableView):
    """Some columns of a table, as wide as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setWordWrap(False)
        self.horizontalHeader().setHighlightSections(False)
        self._widths: list[int] = []
        self._model = _TableModel(self)
        self.setModel(self._model)

    def show_columns(self, table: MeasurementTable, columns: list[int]) -> None:
        """Show columns of a table in place of those before."""
        self._model.show(table, columns)
        looked_at = table.rows[:: len(table.rows) // _MAX_SAMPLED_ROWS + 1]
        self._widths = []
        for n, column in enumerate(columns):
            texts = [format_cell(row[column]) for row in looked_at]
            widest = max((self.fontMetrics().horizontalAdvance(text) for text in texts), default=0)
            heading = self.horizontalHeader().sectionSizeHint(n)
            self._widths.append(max(widest + _CELL_MARGIN_PX, heading))
        self._spread()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Spread the columns over the new width."""
        super().resizeEvent(event)
        self._spread()

    def _spread(self) -> None:
        """Give every column its share of the width that is left."""
        left = max(0, self.viewport().width() - sum(self._widths))
        for n, width in enumerate(self._widths):
            self.setColumnWidth(n, width + left // len(self._widths))


class _TableModel(QAbstractTableModel):
    """Cells are turned into text when they are looked at: there may be very many."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._table, self._columns = MeasurementTable(), list[int]()

    def show(self, table: MeasurementTable, columns: list[int]) -> None:
        """Take columns of a table in place of those before."""
        self.beginResetModel()
        self._table, self._columns = table, columns
        self.endResetModel()

    def rowCount(self, parent: Any = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(self._table.rows)

    def columnCount(self, parent: Any = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        cell = self._table.rows[index.row()][self._columns[index.column()]]
        if role == Qt.ItemDataRole.DisplayRole:
            return format_cell(cell)
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(cell, str):
            return _ALIGN_RIGHT
        return None

    def headerData(  # noqa: N802
        self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if orientation == Qt.Orientation.Vertical:
            return f"{self._table.columns[0]} {self._table.rows[section][0]}"
        # In two lines, as there is little width.
        return "\n".join(self._table.columns[self._columns[section]].rsplit(" ", 1))
