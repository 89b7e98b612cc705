"""The Qt view of a table of measurements, with its copy and export tasks."""

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

_MIN_WIDTH_PX, _MIN_HEIGHT_PX = 410, 230
"""Room for the statistics of a region, and for about eight rows."""

_MAX_SAMPLED_ROWS = 50
"""Rows that a column's width is computed from: Qt's own way is slow for long tables."""

_CELL_MARGIN_PX = 12
"""Space left and right of the text of a cell, in sum."""

_ALIGN_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class MeasurementTableView(QWidget):
    """Shows a table of measurements, and makes the tasks that copy and export it.

    Attributes
    ----------
    table : Table
        The table that is shown.
    blocks : list of QTableView
        The first columns, and below them those for which there is no room beside them. A block
        without columns is hidden.
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
        self.setMinimumSize(_MIN_WIDTH_PX, _MIN_HEIGHT_PX)
        self.setToolTip("Measurements, rounded for display. Copy and Export CSV write ten digits.")
        self.show_table(self.table)

    def show_table(self, table: MeasurementTable) -> None:
        """Show a table instead of the current one."""
        self.table = table
        columns = table.split_columns()
        for n, block in enumerate(self.blocks):
            block.setVisible(n < len(columns))
            block.show_columns(table, columns[n] if n < len(columns) else [])

    def make_copy_task(self) -> BackgroundTask:
        """Return the task that copies the table to the clipboard, with tabs between columns."""
        table = self.table
        task = BackgroundTask(lambda progress: table.to_text("\t", progress))
        task.returned.connect(lambda text: QApplication.clipboard().setText(text))
        return task

    def make_export_task(self, path: Path) -> BackgroundTask:
        """Return the task that writes the table as CSV. The file is written whole or not at all."""
        return BackgroundTask(partial(_write_csv, self.table, path))


def _write_csv(table: MeasurementTable, path: Path, progress: Progress) -> None:
    # Spreadsheets recognize UTF-8 by the byte order mark.
    text = table.to_text(",", progress).encode("utf-8-sig")
    with open_atomic_file(path) as file:
        file.write(text)


class _ColumnBlock(QTableView):
    """Some columns of a table, spread over the width."""

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setWordWrap(False)
        self.horizontalHeader().setHighlightSections(False)
        self._widths: list[int] = []
        self._model = _TableModel(self)
        self.setModel(self._model)

    def show_columns(self, table: MeasurementTable, columns: list[int]) -> None:
        """Show columns of a table instead of the current ones."""
        self._model.show(table, columns)
        sampled_rows = table.rows[:: len(table.rows) // _MAX_SAMPLED_ROWS + 1]
        self._widths = []
        for n, column in enumerate(columns):
            texts = [format_cell(row[column]) for row in sampled_rows]
            widest = max((self.fontMetrics().horizontalAdvance(text) for text in texts), default=0)
            heading = self.horizontalHeader().sectionSizeHint(n)
            self._widths.append(max(widest + _CELL_MARGIN_PX, heading))
        self._spread()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Spread the columns over the new width."""
        super().resizeEvent(event)
        self._spread()

    def _spread(self) -> None:
        """Divide the width that is left among the columns."""
        left = max(0, self.viewport().width() - sum(self._widths))
        for n, width in enumerate(self._widths):
            self.setColumnWidth(n, width + left // len(self._widths))


class _TableModel(QAbstractTableModel):
    """Formats cells when they are displayed, as a table may have very many."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._table, self._columns = MeasurementTable(), list[int]()

    def show(self, table: MeasurementTable, columns: list[int]) -> None:
        """Use columns of a table instead of the current ones."""
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
        # The unit in a second line saves width.
        return "\n".join(self._table.columns[self._columns[section]].rsplit(" ", 1))
