"""The widget that shows the header of the slice now shown."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_medread.core.tagfiles import row_of, write_table, write_tags
from napari_medread.core.tags import Query, Tags
from napari_medread.errors import MedReadError
from napari_medread.plugin.headers import NoHeader, Place, Source, forget, over_slices
from napari_medread.plugin.viewers import unwrapped
from napari_medread.plugin.widgets.controls import ask_for_file, weakly
from napari_medread.plugin.widgets.tagseries import SeriesView
from napari_medread.plugin.widgets.tagtree import TagTree
from napari_medread.plugin.work import Work

_PAUSE = 60
"""Milliseconds from a change to looking what is shown: scrolling does not wait for headers."""

_CHANGES = ("point", "order", "ndisplay")
"""Events of a viewer's dims after which another slice may be shown."""

_PATIENT = "It holds all that the file says about the patient."

NO_LAYER = "Select one image layer to see its header."


class TagsWidget(QWidget):
    """A searchable tree of the header of the slice that the active layer shows.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose active layer to follow. It is not kept alive, and neither are its layers.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        viewer = unwrapped(napari_viewer)
        self._viewer_of = weakref.ref(viewer)
        self._watched: weakref.ref[Any] | None = None
        self._place: Place | None = None
        self._tags = Tags()
        self._reading: Work | None = None
        self._is_behind = False
        self._listing: Work | None = None
        self._is_gone: list[bool] = []
        self.where = QLabel()
        self.where.setWordWrap(True)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search: Manufacturer, 0008,0070, a value")
        self.search.setToolTip(
            "Finds elements by tag (0008,0070 or 00080070), by a part of their name, or of\n"
            "their value; inside sequences too."
        )
        self.search.setClearButtonEnabled(True)
        self.tree = TagTree()
        self.count = QLabel()
        self.copy_value = _button("Copy value", "Copies the whole value of the chosen element.")
        self.copy_row = _button(
            "Copy row", "Copies tag, name, VR and value of the chosen element (Ctrl+C)."
        )
        self.over_slices = _button(
            "Over slices",
            "Lists the chosen element of every slice, and plots it if it is a number.",
        )
        self.export = _button("Export...", f"Writes this header as CSV or JSON. {_PATIENT}")
        self.series = SeriesView()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._look)
        self.search.textChanged.connect(self._fill)
        self.tree.chosen.connect(self._on_chosen)
        self.copy_value.clicked.connect(self._on_copy_value)
        self.copy_row.clicked.connect(self._on_copy_row)
        self.over_slices.clicked.connect(self._on_over_slices)
        self.export.clicked.connect(self._on_export)
        self.series.export.clicked.connect(self._on_export_series)
        self.series.cancel.clicked.connect(self._close_series)
        self.tree.copied.connect(self._on_copy_row)
        for name in _CHANGES:
            getattr(viewer.dims.events, name).connect(self._on_changed)
        viewer.layers.selection.events.active.connect(self._on_changed)
        is_gone = self._is_gone
        self.destroyed.connect(lambda *_: _end(is_gone))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        buttons = QHBoxLayout()
        for button in (self.copy_value, self.copy_row, self.over_slices, self.export):
            buttons.addWidget(button)
        for each in (self.where, self.search, self.tree, self.count):
            layout.addWidget(each, 3 if each is self.tree else 0)
        layout.addLayout(buttons)
        layout.addWidget(self.series, 2)
        layout.addWidget(self.message)
        self.setMinimumWidth(430)

    def _on_changed(self, event: Any = None) -> None:
        """Look soon what is shown now, if anyone sees it."""
        del event
        if not self._is_gone and self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Look what has changed while it was hidden."""
        super().showEvent(event)
        self._on_changed()

    def _layer(self) -> Any:
        viewer = self._viewer_of()
        return None if viewer is None else viewer.layers.selection.active

    def _watch(self, layer: Any) -> None:
        """Follow changes of the active layer itself."""
        before = None if self._watched is None else self._watched()
        if before is layer:
            return
        if before is not None:
            before.events.set_data.disconnect(self._on_changed)
            before.events.name.disconnect(self._on_changed)
        self._watched = None if layer is None else weakref.ref(layer)
        if layer is not None:
            layer.events.set_data.connect(self._on_changed)
            layer.events.name.connect(self._on_changed)
        self._close_series()

    def _look(self) -> None:
        """Read the header of what is shown, unless it is shown already."""
        if self._is_gone or not self.isVisible():
            return
        if self._reading is not None:
            self._is_behind = True
            return
        layer, viewer = self._layer(), self._viewer_of()
        self._watch(layer)
        try:
            if layer is None or viewer is None:
                raise NoHeader(NO_LAYER)
            source = Source(layer)
            # napari aligns the axes of layers at the last one.
            first = viewer.dims.ndim - layer.ndim
            shown = [axis - first for axis in viewer.dims.displayed]
            place = source.place(layer.world_to_data(viewer.dims.point), shown)
        except MedReadError as error:
            self._show_none(str(error))
            return
        if self._place is not None and self._place[:2] == place[:2]:
            self._place = place
            self._say_where(str(layer.name))
            return
        kept, name = source.kept, str(layer.name)
        work = Work(lambda _: place.read(kept))
        work.returned.connect(self._weakly(lambda panel, tags: panel._show(place, tags, name)))
        work.refused.connect(self._weakly(lambda panel, said: panel._show_none(said)))
        work.finished.connect(self._weakly(lambda panel: panel._on_read()))
        self._reading = work
        work.start()

    def _weakly(self, function: Callable[..., None]) -> Callable[..., None]:
        """Return what calls a function with this widget, unless it was closed by then."""
        return weakly(self, self._is_gone, function)

    def _on_read(self) -> None:
        self._reading = None
        if self._is_behind:  # another slice is shown by now
            self._is_behind = False
            self._on_changed()

    def _show(self, place: Place, tags: Tags, name: str) -> None:
        self._place, self._tags = place, tags
        self._say_where(name)
        self.message.setText("")
        self._fill()

    def _show_none(self, sentence: str) -> None:
        """Show no header, and why."""
        self._place, self._tags = None, Tags()
        forget()
        self.where.setText(sentence)
        self._fill()

    def _say_where(self, name: str) -> None:
        if self._place is not None:
            self.where.setText(f"{name}\n{self._place.said}")

    def _fill(self) -> None:
        query = Query(self.search.text())
        self.tree.show_tags(self._tags, query)
        found = self.tree.found
        if not query or not len(self._tags):
            self.count.setText(f"{len(self._tags)} elements" if len(self._tags) else "")
        else:
            self.count.setText(f"{found} found" if found else "Nothing found in this header.")

    def _on_chosen(self) -> None:
        """Offer what can be done with the chosen element."""
        current = self.tree.current()
        is_element = current is not None and not current[1].is_item
        layer = self._layer()
        for button in (self.copy_value, self.copy_row):
            button.setEnabled(is_element)
        self.export.setEnabled(len(self._tags) > 0)
        try:
            has_slices = layer is not None and Source(layer).has_slices
        except NoHeader:
            has_slices = False
        self.over_slices.setEnabled(is_element and has_slices and self._listing is None)

    def _on_copy_value(self) -> None:
        current = self.tree.current()
        if current is not None:
            QApplication.clipboard().setText(current[1].value)

    def _on_copy_row(self) -> None:
        current = self.tree.current()
        if current is not None and not current[1].is_item:
            QApplication.clipboard().setText("\t".join(row_of(current[1])))

    def _on_over_slices(self) -> None:
        current, layer = self.tree.current(), self._layer()
        if current is None or layer is None or self._listing is not None:
            return
        key, tag = current
        try:
            source = Source(layer)
        except NoHeader as error:
            self.message.setText(str(error))
            return
        self.message.setText("")
        work = Work(lambda track: over_slices(source, key, tag, track))

        def if_wanted(function: Callable[..., None]) -> Callable[..., None]:
            """Leave alone what was cancelled, of which a last word may still come."""

            def call(panel: TagsWidget, *arguments: Any) -> None:
                if panel._listing is work:
                    function(panel, *arguments)

            return self._weakly(call)

        work.progressed.connect(if_wanted(lambda panel, *done: panel.series.show_progress(*done)))
        work.returned.connect(if_wanted(lambda panel, found: panel.series.show_series(found)))
        work.refused.connect(if_wanted(lambda panel, said: panel._refuse_series(said)))
        work.finished.connect(if_wanted(lambda panel: panel._on_listed()))
        self._listing = work
        self.series.begin(f"{tag.name} {tag.tag}".strip())
        self._on_chosen()
        work.start()

    def _on_listed(self) -> None:
        self._listing = None
        self.series.end()
        self._on_chosen()

    def _refuse_series(self, sentence: str) -> None:
        self.series.close_it()
        self.message.setText(sentence)

    def _close_series(self) -> None:
        """Close the list; stop it if it is not whole yet."""
        if self._listing is not None:
            self._listing.cancel()
            self._listing = None
        self.series.close_it()
        self._on_chosen()

    def _on_export(self) -> None:
        path = ask_for_file(self, "Export the header", ("CSV (*.csv)", "JSON (*.json)"))
        if path is not None:
            self._write(lambda: write_tags(path, self._tags))

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


def _end(is_gone: list[bool]) -> None:
    is_gone.append(True)
    forget()


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    return button
