"""A table of measurements, to read, copy and export."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
)

from napari_medread.core.files import replacing
from napari_medread.plugin.measuring import Table, shown_text

_WIDTH, _HEIGHT = 410, 230
"""In pixels: the values of regions, and about eight rows."""


class TableView(QTableWidget):
    """Shows a table; what it holds can be copied and exported."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.table = Table()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setMinimumSize(_WIDTH, _HEIGHT)
        self.setToolTip("What is measured. Numbers are rounded here, and exact in what is copied.")
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    def show_table(self, table: Table) -> None:
        """Show a table in place of the one before."""
        self.table = table
        self.setColumnCount(len(table.columns))
        self.setRowCount(len(table.rows))
        # In two lines, as there is little width.
        self.setHorizontalHeaderLabels(["\n".join(_parts(each)) for each in table.columns])
        for row, cells in enumerate(table.rows):
            for column, cell in enumerate(cells):
                item = QTableWidgetItem(shown_text(cell))
                if not isinstance(cell, str):
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                self.setItem(row, column, item)
        # What a row is of stays in view when the rest is scrolled.
        self.setVerticalHeaderLabels([f"{table.columns[0]} {row[0]}" for row in table.rows])
        for column in range(len(table.columns)):
            is_empty = bool(table.rows) and all(row[column] is None for row in table.rows)
            self.setColumnHidden(column, column == 0 or is_empty)

    def show_end(self) -> None:
        """Scroll to the last columns."""
        self.resizeColumnsToContents()
        self.scrollTo(self.model().index(0, self.columnCount() - 1))

    def copy(self) -> None:
        """Put the table on the clipboard, as spreadsheets take it."""
        QApplication.clipboard().setText(self.table.text("\t"))

    def export(self, path: Path) -> None:
        """Write the table as CSV; a file is there whole or not at all.

        Raises
        ------
        CannotWrite
            Where it cannot be made.
        """
        # Spreadsheets take it for UTF-8 by its mark.
        text = self.table.text(",").encode("utf-8-sig")
        with replacing(path) as file:
            file.write(text)


def _parts(heading: str) -> list[str]:
    """Return a heading and its unit, or two words of it."""
    return heading.rsplit(" ", 1)
