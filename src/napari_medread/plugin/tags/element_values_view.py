"""One header element over all slices: a table, and a plot of numbers."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import Container, ProgressBar, PushButton
from psygnal import Signal
from qtpy.QtCore import QAbstractTableModel, Qt
from qtpy.QtWidgets import QApplication, QHeaderView, QTableView

from napari_medread.core.tag_elements import ElementKey, Tag
from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.controls import make_row, make_wrapping_label
from napari_medread.plugin.gui.panel_tasks import PanelTasks
from napari_medread.plugin.gui.qt_parts import wrap_qt_widgets
from napari_medread.plugin.tags.element_values import ElementValues, read_element_values
from napari_medread.plugin.tags.slice_headers import LayerHeaders
from napari_medread.plugin.tags.slice_plot import SlicePlot

ABSENT = "(not in this header)"

_MIN_COLUMN_WIDTH_PX = 56

_ROW_HEIGHT_PX = 22

_MEASURED_ROWS = 20
"""Rows whose width Qt measures to set the width of a column."""


class ElementValuesView(Container[Any]):
    """Reads the values of one element and shows them; hidden until there are some.

    Parameters
    ----------
    tasks : PanelTasks
        The background tasks of the panel it stands in.

    Attributes
    ----------
    reading_changed : Signal()
        Reading has started, or ended.
    refused : Signal(str)
        The values cannot be read. The string says why.
    """

    reading_changed = Signal()
    refused = Signal(str)

    def __init__(self, tasks: PanelTasks) -> None:
        super().__init__(labels=False)
        self.margins = (0, 0, 0, 0)
        self._tasks = tasks
        self._values: ElementValues | None = None
        self._reading: BackgroundTask | None = None
        self.title = make_wrapping_label()
        self.progress = ProgressBar(value=0, max=1, tooltip="How many headers have been read.")
        self.plot = SlicePlot()
        self.plot.setToolTip("The value of every slice, from the first to the last.")
        self.table = _make_table()
        self.copy = PushButton(text="Copy list", tooltip="Copies the table, for a spreadsheet.")
        self.export = PushButton(text="Export list...", tooltip="Writes the table as CSV.")
        self.cancel = PushButton(
            text="Close", tooltip="Closes the list; stops reading if it is not complete yet."
        )
        buttons = make_row(self.copy, self.export, self.cancel)
        parts = wrap_qt_widgets(self.plot, self.table)
        self.extend([self.title, self.progress, parts, buttons])
        self.copy.changed.connect(self._on_copy)
        self.cancel.changed.connect(self.close_list)
        self.visible = False

    @property
    def is_reading(self) -> bool:
        """Whether values are being read."""
        return self._reading is not None

    def read(self, headers: LayerHeaders, key: ElementKey, tag: Tag) -> None:
        """Read one element of the header of every slice, and show its values.

        Parameters
        ----------
        headers : LayerHeaders
            The headers of the layer.
        key, tag : tuple, Tag
            The element in one of the headers.
        """
        self._tasks.drop(self._reading)
        self._values = None
        self.title.value = f"{tag.name} {tag.tag}".strip() + " of all slices"
        self._reading = self._tasks.start(
            BackgroundTask(lambda progress: read_element_values(headers, key, tag, progress)),
            on_progress=self._show_progress,
            on_result=self.show_values,
            on_refused=self._on_refused,
            on_finished=self._on_reading_finished,
        )
        self._show_parts()
        self.visible = True
        self.reading_changed.emit()

    def close_list(self) -> None:
        """Show nothing; stop reading if the list is not complete yet."""
        self._tasks.drop(self._reading)
        self._reading = self._values = None
        self.visible = False
        self.reading_changed.emit()

    def _show_progress(self, done: int, total: int) -> None:
        self.progress.max, self.progress.value = total, done

    def _on_refused(self, sentence: str) -> None:
        self.refused.emit(sentence)

    def _on_reading_finished(self) -> None:
        self._reading = None
        self.progress.visible = False
        self.visible = self._values is not None
        self.reading_changed.emit()

    def show_values(self, values: ElementValues) -> None:
        """Show a list, and its plot if it is numbers."""
        self._values = values
        self.table.setModel(_ValuesModel(values, self.table))
        header = self.table.horizontalHeader()
        header.setStretchLastSection(True)
        for column in range(len(values.axes)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        different = len({value for _, value in values.rows})
        summary = "the same in all of them" if different == 1 else f"{different} different values"
        self.title.value = (
            f"{values.name} {values.tag}".strip() + f": {len(values.rows)} slices, {summary}"
        )
        if values.numbers:
            ends = [_format_numbers(values, values.rows[n][0]) for n in (0, -1)]
            self.plot.show_values(values.numbers, *ends)
        self._show_parts()

    def make_table_rows(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Return titles and rows of the table."""
        if self._values is None:
            return (), []
        titles = (*self._values.axes, self._values.name)
        return titles, [(*numbers, value or "") for numbers, value in self._values.rows]

    def _show_parts(self) -> None:
        """Show the progress bar while there are no values, the table and its buttons after."""
        has_values = self._values is not None
        numbers = None if self._values is None else self._values.numbers
        self.progress.value = 0
        self.progress.visible = not has_values
        self.plot.setVisible(numbers is not None and len(numbers) > 1)
        self.table.setVisible(has_values)
        self.copy.visible = self.export.visible = has_values

    def _on_copy(self) -> None:
        titles, rows = self.make_table_rows()
        lines = ["\t".join(map(str, row)) for row in (titles, *rows)]
        QApplication.clipboard().setText("\n".join(lines))


def _make_table() -> QTableView:
    table = QTableView()
    table.setToolTip("The value of the element in the header of every slice.")
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT_PX)
    # Wide enough for the number of any slice, so that not all rows need to be measured.
    table.horizontalHeader().setMinimumSectionSize(_MIN_COLUMN_WIDTH_PX)
    table.horizontalHeader().setResizeContentsPrecision(_MEASURED_ROWS)
    return table


def _format_numbers(values: ElementValues, numbers: tuple[int, ...]) -> str:
    return ", ".join(f"{axis} {n}" for axis, n in zip(values.axes, numbers, strict=True))


class _ValuesModel(QAbstractTableModel):
    def __init__(self, values: ElementValues, parent: Any) -> None:
        super().__init__(parent)
        self._titles = (*(axis.capitalize() for axis in values.axes), values.name)
        self._rows = values.rows

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
        numbers, value = self._rows[index.row()]
        cells = (*map(str, numbers), ABSENT if value is None else value)
        return cells[index.column()]
