"""The panel that measures shapes and labels."""

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
from napari_medread.plugin.gui.qt_parts import set_stretch, wrap_qt_widgets
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
from napari_medread.plugin.measure.measurement_table_view import MeasurementTableView
from napari_medread.plugin.measure.region_sampling import (
    RegionValues,
    check_measurable,
    describe_displayed_frame,
    describe_displayed_slice,
    make_label_sampler,
    make_shape_sampler,
)
from napari_medread.plugin.measure.shape_colours import choose_visible_colours

_UPDATE_DELAY_MS = 50
"""Changes within this time are measured together: drawing makes many."""

_MAX_SHOWN_REMARKS = 3
"""Remarks shown below the table; of more, only the number is shown."""


class MeasurePanel(LayerPanel):
    """Measure shapes, and the values of an image inside shapes or labels.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer whose layers are offered. Neither it nor its layers are kept alive.
    """

    _followed_events = (*LayerPanel._followed_events, "paint", "labels_update")

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            napari_viewer,
            layer="The image that gives the millimetres and the values.",
            run=PushButton(
                text="Values inside",
                tooltip="Measures the image's values inside the shapes or labels: mean, standard\n"
                "deviation (SD), minimum, maximum, number of voxels and volume.",
            ),
            cancel="Stops measuring.",
        )
        self._change_count = 0
        self._edit_counts: tuple[int, ...] = ()
        self._sizes = ShapeSizeCache()
        self._has_unmeasured_shapes = False
        self._is_update_due = False
        self.drawn: Any = ComboBox(
            choices=self._drawn_layers,
            tooltip="The shapes or labels to measure. Lines, paths, polygons, rectangles and\n"
            "ellipses are measured as you draw and edit them.",
        )
        self.view = MeasurementTableView()
        self.copy = PushButton(
            text="Copy", tooltip="Copies the table to the clipboard, to paste into a spreadsheet."
        )
        self.export = PushButton(text="Export CSV …", tooltip="Saves the table as a CSV file.")
        self.copy.changed.connect(self._on_copy)
        self.export.changed.connect(self._on_export)
        self._lay_out(
            [
                make_labelled_row(Label(value="Measure"), self.drawn),
                make_labelled_row(Label(value="On image"), self.layer),
                table_part := wrap_qt_widgets(self.view),
                buttons := Container(
                    widgets=[self.copy, self.export], layout="horizontal", labels=False
                ),
            ]
        )
        buttons.margins = (0, 0, 0, 0)
        set_stretch(table_part, 1)
        self.drawn.changed.connect(self._update_controls)
        viewer = self._viewer_ref()
        if viewer is not None:
            viewer.layers.selection.events.active.connect(self._on_selected)
        self._on_selected()
        self._update_controls()

    def _layer_choices(self, *_: Any) -> list[Layer]:
        return [layer for layer in super()._layer_choices() if isinstance(layer, Image)]

    def _drawn_layers(self, *_: Any) -> list[Layer]:
        viewer = self._viewer_ref()
        if viewer is None:
            return []
        return [layer for layer in viewer.layers if isinstance(layer, Shapes | Labels)]

    def _on_selected(self, event: Any = None) -> None:
        """Measure the shapes or labels that were selected; another layer changes nothing."""
        del event
        viewer = self._viewer_ref()
        if self.is_closed or viewer is None:
            return
        active = viewer.layers.selection.active
        if not isinstance(active, Shapes | Labels) or active is self.drawn.value:
            return
        if active not in self.drawn.choices:  # new, and napari has not told the panel yet
            self.reset_choices()
        if active in self.drawn.choices:
            self.drawn.value = active

    def _layers_in_use(self) -> list[Layer]:
        """Return the chosen layers."""
        return [layer for layer in (self.drawn.value, self.layer.value) if layer is not None]

    def _events_to_follow(self, layer: Layer) -> list[str]:
        # napari has no event for undo and redo.
        return [
            *super()._events_to_follow(layer),
            *(["set_data"] if isinstance(layer, Labels) else []),
        ]

    def _on_layer_changed(self, event: Any = None) -> None:
        if event is not None and event.type == "set_data":
            before, self._edit_counts = self._edit_counts, _count_edits(self.drawn.value)
            if before == self._edit_counts:
                return  # only another slice is displayed
        self._change_count += 1  # values that are being measured now are out of date
        if not self._is_update_due:
            self._is_update_due = True
            QTimer.singleShot(_UPDATE_DELAY_MS, self.while_open(MeasurePanel._update_if_due))

    def _update_if_due(self) -> None:
        """Measure again if something has changed."""
        if self._is_update_due:
            self._update_controls()

    def _update_controls(self, *_: Any) -> None:
        """Measure the layers as they are now; values measured before are out of date."""
        if self._is_updating:
            return
        self._is_update_due = False
        self._change_count += 1
        self._follow_layers()
        self._edit_counts = _count_edits(self.drawn.value)
        self.run.enabled = False
        self.message.value = ""
        drawn = self.drawn.value
        if drawn is None:
            self._show(MeasurementTable())
            self.outcome.value = "Draw shapes or labels first."
            return
        try:
            if isinstance(drawn, Shapes):
                choose_visible_colours(drawn)
                self._show_shapes(drawn)
            else:
                self._show_labels()
        except MedReadError as error:
            self._show(MeasurementTable())
            self.outcome.value = str(error)

    def _show_shapes(self, shapes: Shapes) -> None:
        """Measure shapes at once where that is quick, the others in the background."""
        drawn_shapes, space = self._drawn_shapes()
        quick = select_quick_shapes(self._sizes.find_missing(drawn_shapes, space))
        self._sizes.add(quick, space, measure_shapes(quick, space))
        missing = self._sizes.find_missing(drawn_shapes, space)
        if missing and self._task is None:
            task = BackgroundTask(partial(measure_shapes, missing, space))
            task.returned.connect(
                self.while_open(lambda panel, sizes: panel._on_sizes(missing, space, sizes))
            )
            self._start_task(task, lambda _: "")
        elif missing:
            self._has_unmeasured_shapes = True
        self._show(
            make_shapes_table(drawn_shapes, space, self._sizes.get_sizes(drawn_shapes, space))
        )
        if not drawn_shapes:
            self.outcome.value = f"{shapes.name} has no shapes yet."
        self.run.enabled = bool(drawn_shapes) and self.layer.value is not None

    def _on_sizes(
        self, drawn_shapes: list[DrawnShape], space: MeasurementSpace, sizes: list[ShapeSize]
    ) -> None:
        self._sizes.add(drawn_shapes, space, sizes)
        self._update_controls()

    def _cancel(self) -> None:
        self._has_unmeasured_shapes = False
        super()._cancel()

    def _on_task_finished(self) -> None:
        """Measure the shapes that were drawn while others were measured."""
        if self._has_unmeasured_shapes:
            self._has_unmeasured_shapes = False
            self._update_controls()

    def _show_labels(self) -> None:
        image = check_measurable(self.layer.value)
        space = get_measurement_space(image)
        self._show(make_labels_table({}, space))
        if frame := describe_displayed_frame(image, space, self._point()):
            self.outcome.value = f"Values will be measured in the displayed frame: {frame}."
        self.run.enabled = True

    def _point(self) -> tuple[float, ...]:
        viewer = self._viewer_ref()
        return () if viewer is None else tuple(viewer.dims.point)

    def _drawn_shapes(self) -> tuple[list[DrawnShape], MeasurementSpace]:
        """Return the shapes as they are now, and the space to measure them in."""
        space = get_measurement_space(self.layer.value, self.drawn.value)
        return get_drawn_shapes(self.drawn.value, space, self._point()), space

    def _show(self, table: MeasurementTable) -> None:
        self.view.show_table(table)
        self.copy.enabled = self.export.enabled = bool(table.rows)
        remarks = list(table.remarks[:_MAX_SHOWN_REMARKS])
        if len(table.remarks) > _MAX_SHOWN_REMARKS:
            remarks.append(f"And {len(table.remarks) - _MAX_SHOWN_REMARKS} more.")
        self.outcome.value = "\n".join(remarks)

    def _on_run(self) -> None:
        self._update_if_due()
        drawn, image = self.drawn.value, self.layer.value
        if self._task is not None or drawn is None:
            return
        point = self._point()
        function: Callable[[Progress], MeasurementTable]
        try:
            if isinstance(drawn, Shapes):
                drawn_shapes, space = self._drawn_shapes()
                sizes = self._sizes.get_sizes(drawn_shapes, space)
                sample = make_shape_sampler(check_measurable(image), space, drawn_shapes, point)
                function = partial(
                    _make_table, sample, partial(make_shapes_table, drawn_shapes, space, sizes)
                )
            else:
                space = get_measurement_space(image)
                sample = make_label_sampler(check_measurable(image), space, drawn, point)
                function = partial(_make_table, sample, partial(make_labels_table, space=space))
        except MedReadError as error:
            self.message.value = str(error)
            show_error(str(error))
            return
        self.message.value = ""
        self._edit_counts = _count_edits(drawn)
        task, change_count = BackgroundTask(function), self._change_count
        frame = describe_displayed_frame(image, space, point)
        slice_text = describe_displayed_slice(image, drawn, space, point)
        position = ", ".join(text for text in (frame, slice_text) if text)
        sentence = f"Values of {image.name}{' at ' if position else ''}{position}."
        self._start_task(task, lambda _: sentence)
        task.returned.connect(
            self.while_open(lambda panel, table: panel._on_measured(change_count, table))
        )

    def _on_measured(self, change_count: int, table: MeasurementTable) -> None:
        if change_count != self._change_count:
            self.message.value = "A layer changed during the measurement. Measure the values again."
            return
        self._show(table)
        if not table.rows:
            self.outcome.value = "There are no labels inside the image."

    def _on_copy(self) -> None:
        self._run_table_task(self.view.make_copy_task(), "Copied the table.")

    def _on_export(self) -> None:
        path = ask_save_path(self.native, "Export the table", ("CSV (*.csv)",), "measurements.csv")
        if path is not None:
            sentence = f"Saved the table as {path.name} in {path.parent}."
            self._run_table_task(self.view.make_export_task(path), sentence)

    def _run_table_task(self, task: BackgroundTask, sentence: str) -> None:
        """Start a task on the table, and show a sentence when it is done."""
        task.refused.connect(show_error)
        self.tasks.start(
            task,
            on_result=self.while_open(lambda panel, _: panel._show_message(sentence)),
            on_refused=self._show_message,
            outlives_panel=True,
        )


def _count_edits(drawn: Layer | None) -> tuple[int, ...]:
    """Return the lengths of the undo and redo history of a labels layer."""
    return tuple(len(getattr(drawn, name, ())) for name in ("_undo_history", "_redo_history"))


def _make_table(
    sample: Callable[[Progress], RegionValues],
    make_table: Callable[..., MeasurementTable],
    progress: Progress,
) -> MeasurementTable:
    """Sample the image and make the table, in the background as it may have many rows."""
    values = sample(progress)
    table = make_table(statistics=values.statistics)
    return table._replace(remarks=(*table.remarks, *values.remarks))
