"""The panel Tags: a searchable tree of the header of the displayed slice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from magicgui.widgets import Label, LineEdit, PushButton
from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QApplication

from napari_medread.core.tag_elements import TagQuery
from napari_medread.core.tag_export import make_table_row, write_table, write_tags
from napari_medread.errors import MedReadError
from napari_medread.plugin.gui.controls import ask_save_path, make_row, make_wrapping_label
from napari_medread.plugin.gui.panel_base import Panel
from napari_medread.plugin.gui.qt_parts import EventCallbacks, set_stretch, wrap_qt_widgets
from napari_medread.plugin.tags.element_values_view import ElementValuesView
from napari_medread.plugin.tags.header_follower import HeaderFollower
from napari_medread.plugin.tags.slice_headers import LayerHeaders, NoHeader
from napari_medread.plugin.tags.tag_tree import TagTree

_MIN_WIDTH_PX = 430

_HAS_PATIENT_DATA = "It contains everything that the file says about the patient."


class TagsPanel(Panel):
    """Shows the header of the slice that the viewer displays of its active layer.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer whose active layer is followed. Neither it nor its layers are kept alive.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.follower = HeaderFollower(napari_viewer, self)
        self.where = make_wrapping_label()
        self.where.native.setTextFormat(Qt.TextFormat.PlainText)
        self.search = LineEdit(
            tooltip="Finds elements by tag (0008,0070 or 00080070), or by a part of their name\n"
            "or value, inside sequences too."
        )
        self.search.native.setPlaceholderText("Search: Manufacturer, 0008,0070, a value")
        self.search.native.setClearButtonEnabled(True)
        self.tree = TagTree()
        self.element_count = Label(value="")
        self.copy_value = PushButton(
            text="Copy value", tooltip="Copies the whole value of the selected element."
        )
        self.copy_row = PushButton(
            text="Copy row",
            tooltip="Copies tag, name, VR and value of the selected element (Ctrl+C).",
        )
        self.over_slices = PushButton(
            text="Over slices",
            tooltip="Lists the selected element of every slice, and plots it if it is a number.",
        )
        self.export = PushButton(
            text="Export...", tooltip=f"Writes this header as CSV or JSON. {_HAS_PATIENT_DATA}"
        )
        self.values_view = ElementValuesView(self.tasks)
        tree = wrap_qt_widgets(self.tree)
        self._lay_out(
            [
                self.where,
                self.search,
                tree,
                self.element_count,
                make_row(self.copy_value, self.copy_row, self.over_slices, self.export),
                self.values_view,
            ]
        )
        set_stretch(tree, 3)
        set_stretch(self.values_view, 2)
        self.min_width = _MIN_WIDTH_PX
        self._connect()

    def _connect(self) -> None:
        self.follower.read.connect(self._on_read)
        self.follower.moved.connect(self._show_where)
        self.follower.failed.connect(self._on_failed)
        self.follower.layer_changed.connect(self.values_view.close_list)
        self.search.changed.connect(self._fill)
        self.tree.selected.connect(self._on_selected)
        self.tree.copy_pressed.connect(self._on_copy_row)
        self.tree.search_changed.connect(self._show_count)
        self.copy_value.changed.connect(self._on_copy_value)
        self.copy_row.changed.connect(self._on_copy_row)
        self.over_slices.changed.connect(self._on_over_slices)
        self.export.changed.connect(self._on_export)
        self.values_view.export.changed.connect(self._on_export_values)
        self.values_view.reading_changed.connect(self._on_selected)
        self.values_view.refused.connect(self._on_values_refused)
        # The slice may have changed while the panel was hidden.
        on_shown = self.while_open(lambda panel, _: panel.follower.update_soon())
        EventCallbacks(self.native, {QEvent.Type.Show: on_shown})

    def _show_where(self, where: str) -> None:
        self.where.value = where

    def _on_read(self, where: str) -> None:
        self.where.value = where
        self.message.value = ""
        self._fill()

    def _on_failed(self, sentence: str) -> None:
        """Show no header, and why."""
        self.where.value = sentence
        self._fill()

    def _fill(self) -> None:
        self.tree.show_tags(self.follower.tags, TagQuery(self.search.value))

    def _show_count(self) -> None:
        """Say how many elements the header has, or the search has found."""
        search, count = self.tree.search, len(self.follower.tags)
        if search is None or not count:
            text = f"{count} elements" if count else ""
        elif self.tree.is_searching:
            text = "Searching…"
        elif search.match_count > search.shown_count:
            text = f"{search.match_count:,} found; the first {search.shown_count} are shown"
        else:
            text = (
                f"{search.match_count} found"
                if search.match_count
                else "Nothing found in this header."
            )
        self.element_count.value = text

    def _on_selected(self) -> None:
        """Enable what can be done with the selected element."""
        is_element = self.tree.get_selected() is not None
        self.copy_value.enabled = self.copy_row.enabled = is_element
        self.export.enabled = len(self.follower.tags) > 0
        headers = self._get_layer_headers()
        has_slice_headers = headers is not None and headers.has_slice_headers
        self.over_slices.enabled = (
            is_element and has_slice_headers and not self.values_view.is_reading
        )

    def _get_layer_headers(self) -> LayerHeaders | None:
        """Return the headers of the active layer, None where it has none."""
        layer = self.follower.layer
        try:
            return None if layer is None else LayerHeaders(layer)
        except NoHeader:
            return None

    def _on_copy_value(self) -> None:
        current = self.tree.get_selected()
        if current is not None:
            QApplication.clipboard().setText(current[1].value)

    def _on_copy_row(self) -> None:
        current = self.tree.get_selected()
        if current is not None:
            QApplication.clipboard().setText("\t".join(make_table_row(current[1])))

    def _on_over_slices(self) -> None:
        current, headers = self.tree.get_selected(), self._get_layer_headers()
        if current is not None and headers is not None:
            self.message.value = ""
            self.values_view.read(headers, *current)

    def _on_values_refused(self, sentence: str) -> None:
        self.values_view.close_list()
        self.message.value = sentence

    def _on_export(self) -> None:
        path = ask_save_path(self.native, "Export the header", ("CSV (*.csv)", "JSON (*.json)"))
        if path is not None:
            self._write(lambda: write_tags(path, self.follower.tags))

    def _on_export_values(self) -> None:
        path = ask_save_path(self.native, "Export the list", ("CSV (*.csv)",))
        if path is not None:
            self._write(lambda: write_table(path, *self.values_view.make_table_rows()))

    def _write(self, write: Callable[[], Path]) -> None:
        try:
            path = write()
        except MedReadError as error:
            self.message.value = str(error)
        else:
            self.message.value = f"Wrote {path.name} to {path.parent}. {_HAS_PATIENT_DATA}"
