"""The widget that measures what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from magicgui.widgets import ComboBox, Container, Label, PushButton
from napari.layers import Image, Labels, Layer, Shapes
from napari.utils.notifications import show_error
from qtpy.QtCore import QTimer

from napari_medread.core.progress import Progress
from napari_medread.errors import MedReadError
from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.controls import ask_save_path, make_labelled_row
from napari_medread.plugin.gui.layer_panel import LayerPanel
from napari_medread.plugin.measure.layer_measurement import (
    DrawnShape,
    MeasurementSpace,
    ShapeSize,
    ShapeSizeCache,
    get_drawn_shapes,
    get_measurement_space,
    measure_shapes,
    select_quick_shapes,
)
from napari_medread.plugin.measure.measurement_table import (
    MeasurementTable,
    make_labels_table,
    make_shapes_table,
)
from napari_medread.plugin.measure.region_sampling import (
    RegionValues,
    check_measurable,
    describe_displayed_frame,
    describe_displayed_slice,
    make_label_sampler,
    make_shape_sampler,
)
from napari_medread.plugin.measure.table_view import MeasurementTableView

_UPDATE_DELAY_MS = 50
"""Milliseconds in which changes are gathered: drawing makes many."""

_MAX_SHOWN_REMARKS = 3
"""So many of them fit below the table."""


class MeasurePanel(LayerPanel):
    """Measure shapes, and the values of an image inside shapes or labels.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers to offer. It is not kept alive, and neither are they.
    """

    _followed_events = (*LayerPanel._followed_events, "paint", "labels_update")

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
        self._history: tuple[int, ...] = ()
        self._sizes = ShapeSizeCache()
        self._is_late = False
        self._is_waiting = False
        self.drawn: Any = ComboBox(
            choices=self._drawn_layers,
            tooltip="The shapes or labels to measure. Lines, paths, polygons, rectangles and\n"
            "ellipses are measured at once, and again when changed.",
        )
        self.view = MeasurementTableView()
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
                make_labelled_row(Label(value="Measure"), self.drawn),
                make_labelled_row(Label(value="On image"), self.layer),
                buttons := Container(
                    widgets=[self.copy, self.export], layout="horizontal", labels=False
                ),
            ]
        )
        buttons.margins = (0, 0, 0, 0)
        # Above the buttons; it takes the height there is.
        self.native.layout().insertWidget(2, self.view, 1)
        self.drawn.changed.connect(self._update_controls)
        viewer = self._viewer_ref()
        if viewer is not None and viewer.layers.selection.active in self.drawn.choices:
            self.drawn.value = viewer.layers.selection.active
        self._update_controls()

    def _layer_choices(self, *_: Any) -> list[Layer]:
        return [each for each in super()._layer_choices() if isinstance(each, Image)]

    def _drawn_layers(self, *_: Any) -> list[Layer]:
        viewer = self._viewer_ref()
        if viewer is None:
            return []
        return [each for each in viewer.layers if isinstance(each, Shapes | Labels)]

    def _layers_in_use(self) -> list[Layer]:
        """Return the chosen layers."""
        return [each for each in (self.drawn.value, self.layer.value) if each is not None]

    def _events_to_follow(self, layer: Layer) -> list[str]:
        # napari has no event of its own for what is undone.
        return [
            *super()._events_to_follow(layer),
            *(["set_data"] if isinstance(layer, Labels) else []),
        ]

    def _on_layer_changed(self, event: Any = None) -> None:
        if event is not None and event.type == "set_data":
            before, self._history = self._history, _count_edits(self.drawn.value)
            if before == self._history:
                return  # another slice is shown
        self._changes += 1  # values that are being measured are no longer those of what is drawn
        if not self._is_waiting:
            self._is_waiting = True
            QTimer.singleShot(_UPDATE_DELAY_MS, self.while_open(MeasurePanel._catch_up))

    def _catch_up(self) -> None:
        """Measure again if something has changed since."""
        if self._is_waiting:
            self._update_controls()

    def _update_controls(self, *_: Any) -> None:
        """Measure what is drawn now; values that were measured inside are no longer true."""
        if self._is_updating:
            return
        self._is_waiting = False
        self._changes += 1
        self._follow_layers()
        self._history = _count_edits(self.drawn.value)
        self.run.enabled = False
        self.message.value = ""
        drawn = self.drawn.value
        if drawn is None:
            self._show(MeasurementTable())
            self.outcome.value = "Draw shapes or labels first."
            return
        try:
            if isinstance(drawn, Shapes):
                self._measure_shapes(drawn)
            else:
                self._offer_labels()
        except MedReadError as error:
            self._show(MeasurementTable())
            self.outcome.value = str(error)

    def _measure_shapes(self, shapes: Shapes) -> None:
        """Measure shapes at once if that is quick, else beside the window."""
        marks, ruler = self._marks()
        quick = select_quick_shapes(self._sizes.missing(marks, ruler))
        self._sizes.add(quick, ruler, measure_shapes(quick, ruler))
        missing = self._sizes.missing(marks, ruler)
        if missing and self._task is None:
            work = BackgroundTask(partial(measure_shapes, missing, ruler))
            work.returned.connect(
                self.while_open(lambda panel, sizes: panel._on_sizes(missing, ruler, sizes))
            )
            self._start_task(work, lambda _: "")
        elif missing:
            self._is_late = True
        self._show(make_shapes_table(marks, ruler, self._sizes.sizes(marks, ruler)))
        if not marks:
            self.outcome.value = f"{shapes.name} holds no shapes yet."
        self.run.enabled = bool(marks) and self.layer.value is not None

    def _on_sizes(
        self, marks: list[DrawnShape], ruler: MeasurementSpace, sizes: list[ShapeSize]
    ) -> None:
        self._sizes.add(marks, ruler, sizes)
        self._update_controls()

    def _cancel(self) -> None:
        self._is_late = False
        super()._cancel()

    def _on_task_finished(self) -> None:
        """Measure what has changed while something else was measured."""
        if self._is_late:
            self._is_late = False
            self._update_controls()

    def _offer_labels(self) -> None:
        image = check_measurable(self.layer.value)
        ruler = get_measurement_space(image)
        self._show(make_labels_table({}, ruler))
        if frame := describe_displayed_frame(image, ruler, self._point()):
            self.outcome.value = f"Values are measured in the frame shown, now {frame}."
        self.run.enabled = True

    def _point(self) -> tuple[float, ...]:
        viewer = self._viewer_ref()
        return () if viewer is None else tuple(viewer.dims.point)

    def _marks(self) -> tuple[list[DrawnShape], MeasurementSpace]:
        """Return the shapes as they are now, and how to measure them."""
        ruler = get_measurement_space(self.layer.value, self.drawn.value)
        return get_drawn_shapes(self.drawn.value, ruler, self._point()), ruler

    def _show(self, table: MeasurementTable) -> None:
        self.view.show_table(table)
        self.copy.enabled = self.export.enabled = bool(table.rows)
        more = len(table.remarks) - _MAX_SHOWN_REMARKS
        said = [*table.remarks[:_MAX_SHOWN_REMARKS], *([f"And {more} more."] if more > 0 else [])]
        self.outcome.value = "\n".join(said)

    def _on_run(self) -> None:
        self._catch_up()
        drawn, image = self.drawn.value, self.layer.value
        if self._task is not None or drawn is None:
            return
        point = self._point()
        function: Callable[[Progress], MeasurementTable]
        try:
            if isinstance(drawn, Shapes):
                marks, ruler = self._marks()
                sizes = self._sizes.sizes(marks, ruler)
                inside = make_shape_sampler(check_measurable(image), ruler, marks, point)
                function = partial(
                    _make_table, inside, partial(make_shapes_table, marks, ruler, sizes)
                )
            else:
                ruler = get_measurement_space(image)
                inside = make_label_sampler(check_measurable(image), ruler, drawn, point)
                function = partial(_make_table, inside, partial(make_labels_table, ruler=ruler))
        except MedReadError as error:
            self.message.value = str(error)
            show_error(str(error))
            return
        self.message.value = ""
        self._history = _count_edits(drawn)
        work, changes = BackgroundTask(function), self._changes
        frame = describe_displayed_frame(image, ruler, point)
        where = ", ".join(
            each for each in (frame, describe_displayed_slice(image, drawn, ruler, point)) if each
        )
        said = f"Values of {image.name}{' at ' if where else ''}{where}."
        self._start_task(work, lambda _: said)
        work.returned.connect(
            self.while_open(lambda panel, table: panel._on_measured(changes, table))
        )

    def _on_measured(self, changes: int, table: MeasurementTable) -> None:
        if changes != self._changes:
            self.message.value = "Something was changed meanwhile. Measure the values again."
            return
        self._show(table)
        if not table.rows:
            self.outcome.value = "There are no labels on the image."

    def _on_copy(self) -> None:
        self._tell_after(self.view.copying(), "The table was copied.")

    def _on_export(self) -> None:
        path = ask_save_path(self.native, "Export the table", ("CSV (*.csv)",), "measurements.csv")
        if path is not None:
            said = f"The table was written to {path.name} in {path.parent}."
            self._tell_after(self.view.exporting(path), said)

    def _tell_after(self, work: BackgroundTask, said: str) -> None:
        """Start work that is over at once, unless the table is very long, and say that it is."""
        work.refused.connect(show_error)
        self.tasks.start(
            work,
            on_result=self.while_open(lambda panel, _: panel._show_message(said)),
            on_refused=self._show_message,
            outlives_panel=True,
        )


def _count_edits(drawn: Layer | None) -> tuple[int, ...]:
    """Return how much was painted on labels, and how much of it was undone."""
    return tuple(len(getattr(drawn, name, ())) for name in ("_undo_history", "_redo_history"))


def _make_table(
    inside: Callable[[Progress], RegionValues],
    table_of: Callable[..., MeasurementTable],
    progress: Progress,
) -> MeasurementTable:
    """Return the table with the values inside, beside the window: there may be many rows."""
    found = inside(progress)
    table = table_of(statistics=found.statistics)
    return table._replace(remarks=(*table.remarks, *found.remarks))
