"""The widget that shows the header of the slice now shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QApplication, QLabel, QLineEdit, QVBoxLayout, QWidget

from napari_medread.core.tag_elements import Query
from napari_medread.core.tag_export import row_of, write_table, write_tags
from napari_medread.errors import MedReadError
from napari_medread.plugin.gui.controls import ask_for_file
from napari_medread.plugin.gui.qt_controls import button, line_of, sentence
from napari_medread.plugin.gui.viewer_references import unwrapped
from napari_medread.plugin.tags.header_follower import Follower
from napari_medread.plugin.tags.slice_headers import NoHeader, Source
from napari_medread.plugin.tags.tag_over_slices import SeriesView
from napari_medread.plugin.tags.tag_tree import TagTree

_PATIENT = "It holds all that the file says about the patient."


class TagsWidget(QWidget):
    """A searchable tree of the header of the slice that the active layer shows.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose active layer to follow. It is not kept alive, and neither are its layers.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.follower = Follower(unwrapped(napari_viewer), self)
        self.where = sentence()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search: Manufacturer, 0008,0070, a value")
        self.search.setToolTip(
            "Finds elements by tag (0008,0070 or 00080070), by a part of their name, or of\n"
            "their value; inside sequences too."
        )
        self.search.setClearButtonEnabled(True)
        self.tree = TagTree()
        self.count = QLabel()
        self.copy_value = button("Copy value", "Copies the whole value of the chosen element.")
        self.copy_row = button(
            "Copy row", "Copies tag, name, VR and value of the chosen element (Ctrl+C)."
        )
        self.over_slices = button(
            "Over slices",
            "Lists the chosen element of every slice, and plots it if it is a number.",
        )
        self.export = button("Export...", f"Writes this header as CSV or JSON. {_PATIENT}")
        self.series = SeriesView()
        self.message = sentence()
        self._lay_out()
        self.follower.read.connect(self._on_read)
        self.follower.moved.connect(self.where.setText)
        self.follower.failed.connect(self._on_failed)
        self.follower.layer_changed.connect(self.series.close_it)
        self.search.textChanged.connect(self._fill)
        self.tree.chosen.connect(self._on_chosen)
        self.tree.copied.connect(self._on_copy_row)
        self.tree.searched.connect(self._count)
        self.copy_value.clicked.connect(self._on_copy_value)
        self.copy_row.clicked.connect(self._on_copy_row)
        self.over_slices.clicked.connect(self._on_over_slices)
        self.export.clicked.connect(self._on_export)
        self.series.export.clicked.connect(self._on_export_series)
        self.series.changed.connect(self._on_chosen)
        self.series.refused.connect(self._on_series_refused)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        for each in (self.where, self.search, self.tree, self.count):
            layout.addWidget(each, 3 if each is self.tree else 0)
        layout.addLayout(line_of(self.copy_value, self.copy_row, self.over_slices, self.export))
        layout.addWidget(self.series, 2)
        layout.addWidget(self.message)
        self.setMinimumWidth(430)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Look what has changed while it was hidden."""
        super().showEvent(event)
        self.follower.look_soon()

    def _on_read(self, where: str) -> None:
        self.where.setText(where)
        self.message.setText("")
        self._fill()

    def _on_failed(self, sentence: str) -> None:
        """Show no header, and why."""
        self.where.setText(sentence)
        self._fill()

    def _fill(self) -> None:
        self.tree.show_tags(self.follower.tags, Query(self.search.text()))

    def _count(self) -> None:
        """Say how many elements there are, or were found."""
        search, count = self.tree.search, len(self.follower.tags)
        if search is None or not count:
            said = f"{count} elements" if count else ""
        elif self.tree.is_searching:
            said = "Searching…"
        elif search.found > search.shown:
            said = f"{search.found:,} found; the first {search.shown} are shown"
        else:
            said = f"{search.found} found" if search.found else "Nothing found in this header."
        self.count.setText(said)

    def _on_chosen(self) -> None:
        """Offer what can be done with the chosen element."""
        is_element = self.tree.current() is not None
        self.copy_value.setEnabled(is_element)
        self.copy_row.setEnabled(is_element)
        self.export.setEnabled(len(self.follower.tags) > 0)
        source = self._source()
        has_slices = source is not None and source.has_slices
        self.over_slices.setEnabled(is_element and has_slices and not self.series.is_reading)

    def _source(self) -> Source | None:
        """Return the files of the active layer."""
        layer = self.follower.layer
        try:
            return None if layer is None else Source(layer)
        except NoHeader:
            return None

    def _on_copy_value(self) -> None:
        current = self.tree.current()
        if current is not None:
            QApplication.clipboard().setText(current[1].value)

    def _on_copy_row(self) -> None:
        current = self.tree.current()
        if current is not None:
            QApplication.clipboard().setText("\t".join(row_of(current[1])))

    def _on_over_slices(self) -> None:
        current, source = self.tree.current(), self._source()
        if current is not None and source is not None:
            self.message.setText("")
            self.series.read(source, *current)

    def _on_series_refused(self, sentence: str) -> None:
        self.series.close_it()
        self.message.setText(sentence)

    def _on_export(self) -> None:
        path = ask_for_file(self, "Export the header", ("CSV (*.csv)", "JSON (*.json)"))
        if path is not None:
            self._write(lambda: write_tags(path, self.follower.tags))

    def _on_export_series(self) -> None:
        path = ask_for_file(self, "Export the list", ("CSV (*.csv)",))
        if path is not None:
            self._write(lambda: write_table(path, *self.series.table_rows()))

    def _write(self, write: Callable[[], Path]) -> None:
        try:
            path = write()
        except MedReadError as error:
            self.message.setText(str(error))
        else:
            self.message.setText(f"{path.name} was written to {path.parent}. {_PATIENT}")
