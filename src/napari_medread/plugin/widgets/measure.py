"""The widget that measures what is drawn."""

from __future__ import annotations

from functools import partial
from typing import Any

from magicgui.widgets import ComboBox, Container, Label, PushButton
from napari.layers import Image, Labels, Layer, Shapes
from napari.utils.notifications import show_error
from qtpy.QtCore import QTimer

from napari_medread.core.regions import Statistics
from napari_medread.errors import MedReadError
from napari_medread.plugin.measuring import (
    Mark,
    Ruler,
    Table,
    labels_table,
    marks_of,
    ruler_of,
    shapes_table,
)
from napari_medread.plugin.sampling import check_image, in_labels, in_shapes
from napari_medread.plugin.slices import frame_of
from napari_medread.plugin.widgets.controls import ask_for_file, row
from napari_medread.plugin.widgets.panel import Panel
from napari_medread.plugin.widgets.table import TableView
from napari_medread.plugin.work import Work

_DELAY = 50
"""Milliseconds in which changes are gathered: drawing makes many."""

_REMARKS = 3
"""So many of them fit below the table."""


class Measure(Panel):
    """Measure shapes, and the values of an image inside shapes or labels.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers to offer. It is not kept alive, and neither are they.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            napari_viewer,
            layer="The image on which is measured: its millimetres, and its values, count.",
            run=PushButton(
                text="Values inside",
                tooltip="Measures the image's values inside the shapes or labels: mean, standard\n"
                "deviation (SD), lowest, highest, number of voxels and volume.",
            ),
            cancel="Stops measuring.",
        )
        self._changes = 0
        self._is_waiting = False
        self.drawn: Any = ComboBox(
            choices=self._drawn_layers,
            tooltip="The shapes or labels to measure. Lines, paths, polygons, rectangles and\n"
            "ellipses are measured at once, and again when changed.",
        )
        self.view = TableView()
        self.copy = PushButton(
            text="Copy", tooltip="Copies the table, to be pasted into a spreadsheet."
        )
        self.export = PushButton(
            text="Export CSV …", tooltip="Writes the table to a file. Asks before replacing one."
        )
        self.copy.changed.connect(self._on_copy)
        self.export.changed.connect(self._on_export)
        self._lay_out(
            [
                row(Label(value="Measure"), self.drawn),
                row(Label(value="On image"), self.layer),
                buttons := Container(
                    widgets=[self.copy, self.export], layout="horizontal", labels=False
                ),
            ]
        )
        buttons.margins = (0, 0, 0, 0)
        # Above the buttons; it takes the height there is.
        self.native.layout().insertWidget(2, self.view, 1)
        self.drawn.changed.connect(self._prefill)
        viewer = self._viewer_of()
        if viewer is not None and viewer.layers.selection.active in self.drawn.choices:
            self.drawn.value = viewer.layers.selection.active
        self._prefill()

    def _layers(self, *_: Any) -> list[Layer]:
        return [each for each in super()._layers() if isinstance(each, Image)]

    def _drawn_layers(self, *_: Any) -> list[Layer]:
        viewer = self._viewer_of()
        if viewer is None:
            return []
        return [each for each in viewer.layers if isinstance(each, Shapes | Labels)]

    def _used(self) -> list[Layer]:
        """Return the chosen layers."""
        return [each for each in (self.drawn.value, self.layer.value) if each is not None]

    def _on_moved(self, event: Any = None) -> None:
        del event
        self._changes += 1  # values that are being measured are no longer those of what is drawn
        if not self._is_waiting:
            self._is_waiting = True
            QTimer.singleShot(_DELAY, self._weakly(Measure._prefill))

    def _prefill(self, *_: Any) -> None:
        """Measure what is drawn now; values that were measured inside are no longer true."""
        if self._is_filling:
            return
        self._is_waiting = False
        self._changes += 1
        self._watch()
        self.run.enabled = False
        self.message.value = ""
        drawn, image = self.drawn.value, self.layer.value
        if drawn is None:
            self._show(Table())
            self.outcome.value = "Draw shapes or labels first."
            return
        try:
            if isinstance(drawn, Shapes):
                marks, ruler = self._marks()
                self._show(shapes_table(marks, ruler))
                if not marks:
                    self.outcome.value = f"{drawn.name} holds no shapes yet."
                self.run.enabled = bool(marks) and image is not None
            else:
                check_image(image)
                self._show(labels_table({}, ruler_of(image)))
                if _at(image, ruler_of(image), self._point()):
                    self.outcome.value = "Values are measured in the frame that is shown."
                self.run.enabled = True
        except MedReadError as error:
            self._show(Table())
            self.outcome.value = str(error)

    def _point(self) -> tuple[float, ...]:
        viewer = self._viewer_of()
        return () if viewer is None else tuple(viewer.dims.point)

    def _marks(self) -> tuple[list[Mark], Ruler]:
        """Return the shapes as they are now, and how to measure them."""
        ruler = ruler_of(self.layer.value, self.drawn.value)
        return marks_of(self.drawn.value, ruler, self._point()), ruler

    def _show(self, table: Table) -> None:
        self.view.show_table(table)
        self.copy.enabled = self.export.enabled = bool(table.rows)
        more = len(table.remarks) - _REMARKS
        said = [*table.remarks[:_REMARKS], *([f"And {more} more."] if more > 0 else [])]
        self.outcome.value = "\n".join(said)

    def _start(self) -> None:
        drawn, image = self.drawn.value, self.layer.value
        if self._work is not None or drawn is None:
            return
        point = self._point()
        try:
            if isinstance(drawn, Shapes):
                marks, ruler = self._marks()
                function, remarks = in_shapes(check_image(image), ruler, marks, point)
                table_of = partial(shapes_table, marks, ruler)
            else:
                ruler, remarks = ruler_of(image), ()
                function = in_labels(check_image(image), ruler, drawn, point)
                table_of = partial(labels_table, ruler=ruler)
        except MedReadError as error:
            self.message.value = str(error)
            show_error(str(error))
            return
        self.message.value = ""
        work, changes = Work(function), self._changes
        said = f"Values of {image.name}{_at(image, ruler, point)}."
        self._begin(work, lambda _: said)
        work.returned.connect(
            self._weakly(lambda panel, found: panel._on_measured(changes, table_of, remarks, found))
        )

    def _on_measured(
        self,
        changes: int,
        table_of: Any,
        remarks: tuple[str, ...],
        found: dict[int, Statistics],
    ) -> None:
        if changes != self._changes:
            self.message.value = "Something was changed meanwhile. Measure the values again."
            return
        table = table_of(statistics=found)
        self._show(table._replace(remarks=(*table.remarks, *remarks)))
        self.view.show_end()
        if not table.rows:
            self.outcome.value = "There are no labels on the image."

    def _on_copy(self) -> None:
        self.view.copy()
        self.message.value = "The table was copied."

    def _on_export(self) -> None:
        path = ask_for_file(self.native, "Export the table", ("CSV (*.csv)",), "measurements.csv")
        if path is None:
            return
        try:
            self.view.export(path)
        except MedReadError as error:
            self.message.value = str(error)
            show_error(str(error))
        else:
            self.message.value = f"The table was written to {path.name} in {path.parent}."


def _at(image: Image, ruler: Ruler, point: tuple[float, ...]) -> str:
    """Say at which of its frames an image is shown, empty where it has one."""
    frame = frame_of(image, ruler.ndim, point)
    if not frame or ruler.image is None:
        return ""
    leading = ruler.image.volume.leading
    return " at " + ", ".join(f"{axis.label} {n}" for axis, n in zip(leading, frame, strict=True))
