"""One element of the header of every slice: a table, and a plot of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QAbstractTableModel, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QApplication,
    QHeaderView,
    QProgressBar,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_medread.core.tag_elements import Key, Tag
from napari_medread.plugin.gui.background_work import Work
from napari_medread.plugin.gui.controls import weakly
from napari_medread.plugin.gui.qt_controls import button, line_of, sentence
from napari_medread.plugin.tags.slice_headers import Series, Source, over_slices
from napari_medread.plugin.tags.slice_plot import Plot

ABSENT = "(not in this header)"

_NARROWEST = 56
"""Width of a column in pixels."""

_MEASURED = 20
"""So many rows say how wide a column is."""


class SeriesView(QWidget):
    """Reads a series of values and shows it; hidden until there is one.

    Attributes
    ----------
    changed : Signal()
        Reading has begun, or is over.
    refused : Signal(str)
        The values cannot be read, and why.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._series: Series | None = None
        self._reading: Work | None = None
        self._is_gone: list[bool] = []
        self.title = sentence()
        self.progress = QProgressBar()
        self.progress.setToolTip("How many headers have been read.")
        self.table = QTableView()
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(22)
        # Wide enough for any number of a slice, so that not all rows need to be measured.
        self.table.horizontalHeader().setMinimumSectionSize(_NARROWEST)
        self.table.horizontalHeader().setResizeContentsPrecision(_MEASURED)
        self.plot = Plot()
        self.plot.setToolTip("The value of every slice, from the first to the last.")
        self.copy = button("Copy list", "Copies the table, for a spreadsheet.")
        self.export = button("Export list...", "Writes the table as CSV.")
        self.cancel = button("Close", "Closes the list; stops reading if it is not whole yet.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for each in (self.title, self.progress, self.plot, self.table):
            layout.addWidget(each)
        layout.addLayout(line_of(self.copy, self.export, self.cancel))
        self.copy.clicked.connect(self._on_copy)
        self.cancel.clicked.connect(self.close_it)
        self.hide()
        is_gone = self._is_gone
        self.destroyed.connect(lambda *_: is_gone.append(True))

    @property
    def is_reading(self) -> bool:
        """Whether values are being read."""
        return self._reading is not None

    def read(self, source: Source, key: Key, tag: Tag) -> None:
        """Read one element of the header of every slice, and show its values.

        Parameters
        ----------
        source : Source
            The layer's files.
        key, tag : tuple, Tag
            The element in one of the headers.
        """
        self._drop()
        work = Work(lambda progress: over_slices(source, key, tag, progress))

        def if_wanted(function: Callable[..., None]) -> Callable[..., None]:
            """Leave alone what was cancelled, of which a last word may still come."""

            def call(view: SeriesView, *arguments: Any) -> None:
                if view._reading is work:
                    function(view, *arguments)

            return weakly(self, self._is_gone, call)

        work.progressed.connect(if_wanted(lambda view, *done: view._show_progress(*done)))
        work.returned.connect(if_wanted(lambda view, found: view.show_series(found)))
        work.refused.connect(if_wanted(lambda view, said: view.refused.emit(said)))
        work.finished.connect(if_wanted(lambda view: view._on_read()))
        self._reading, self._series = work, None
        self.title.setText(f"{tag.name} {tag.tag}".strip() + " of all slices")
        self._show_parts(is_reading=True)
        self.show()
        self.changed.emit()
        work.start()

    def close_it(self) -> None:
        """Show nothing; stop reading if the list is not whole yet."""
        self._drop()
        self._series = None
        self.hide()
        self.changed.emit()

    def _drop(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _show_progress(self, done: int, total: int) -> None:
        self.progress.setMaximum(total)
        self.progress.setValue(done)

    def _on_read(self) -> None:
        self._reading = None
        self.progress.hide()
        self.setVisible(self._series is not None)
        self.changed.emit()

    def show_series(self, series: Series) -> None:
        """Show a list, and its plot if it is numbers."""
        self._series = series
        self.table.setModel(_SeriesModel(series, self.table))
        self.table.horizontalHeader().setStretchLastSection(True)
        for column in range(len(series.axes)):
            self.table.horizontalHeader().setSectionResizeMode(
                column, QHeaderView.ResizeMode.ResizeToContents
            )
        numbers = series.numbers
        kinds = len({value for _, value in series.rows})
        alike = "the same in all of them" if kinds == 1 else f"{kinds} different values"
        self.title.setText(
            f"{series.name} {series.tag}".strip() + f": {len(series.rows)} slices, {alike}"
        )
        if numbers:
            ends = [_spelled(series, series.rows[n][0]) for n in (0, -1)]
            self.plot.show_values(numbers, *ends)
        self._show_parts(is_reading=False)

    def table_rows(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Return titles and rows of the table."""
        if self._series is None:
            return (), []
        titles = (*self._series.axes, self._series.name)
        return titles, [(*index, value or "") for index, value in self._series.rows]

    def _show_parts(self, *, is_reading: bool) -> None:
        self.progress.setVisible(is_reading)
        self.progress.setValue(0)
        has_plot = self._series is not None and self._series.numbers is not None
        self.plot.setVisible(has_plot and len(self._series.rows if self._series else ()) > 1)
        for each in (self.table, self.copy, self.export):
            each.setVisible(not is_reading)

    def _on_copy(self) -> None:
        titles, rows = self.table_rows()
        lines = ["\t".join(map(str, row)) for row in (titles, *rows)]
        QApplication.clipboard().setText("\n".join(lines))


def _spelled(series: Series, index: tuple[int, ...]) -> str:
    return ", ".join(f"{axis} {at}" for axis, at in zip(series.axes, index, strict=True))


class _SeriesModel(QAbstractTableModel):
    def __init__(self, series: Series, parent: Any) -> None:
        super().__init__(parent)
        self._titles = (*(axis.capitalize() for axis in series.axes), series.name)
        self._rows = series.rows

    def rowCount(self, parent: Any = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Any = None) -> int:  # noqa: N802
        del parent
        return len(self._titles)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:  # noqa: N802
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        return None

    def data(self, index: Any, role: int = 0) -> Any:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        place, value = self._rows[index.row()]
        cells = (*map(str, place), ABSENT if value is None else value)
        return cells[index.column()]
