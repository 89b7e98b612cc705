"""The panel that exports a layer to a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from magicgui.types import FileDialogMode
from magicgui.widgets import CheckBox, ComboBox, FileEdit, Label, PushButton
from napari.utils.notifications import show_error
from qtpy.QtWidgets import QMessageBox

from napari_medread.core.atomic_files import WrittenFiles
from napari_medread.core.voxel_blocks import find_value_range
from napari_medread.errors import MedReadError
from napari_medread.plugin.bridge.layer_to_volume import LayerVolume, volume_from_layer
from napari_medread.plugin.export.export_plan import (
    EXPORT_CHOICES,
    ExportChoice,
    ExportPlan,
    find_export_remarks,
    find_spacing_and_origin,
    to_file_name,
)
from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.controls import (
    SPACING_DECIMALS,
    make_labelled_row,
    make_spacing_box,
    make_wrapping_label,
)
from napari_medread.plugin.gui.layer_panel import LayerPanel

_AXIS_NAMES = "xyz"

_MAX_ORIGIN_MM = 1e6
"""Largest coordinate of an origin that can be entered, in mm."""


class Export(LayerPanel):
    """Exports a layer to a file, with another spacing or origin if the user wants.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer whose layers are offered. Neither it nor its layers are kept alive.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            napari_viewer,
            layer="The image or labels layer to export.",
            run=PushButton(text="Export", tooltip="Writes the file. Asks before replacing one."),
            cancel="Cancels writing. Existing files stay as they are.",
        )
        self._layer_grid: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
        self._filled_choice: Any = None
        self._suggested_path: Path | None = None
        self._measuring: BackgroundTask | None = None
        self.format: Any = ComboBox(
            choices=[(choice.label, choice) for choice in EXPORT_CHOICES],
            tooltip="File format. Its suffix is added to the file name.",
        )
        self.file: Any = FileEdit(
            mode=FileDialogMode.OPTIONAL_FILE,
            tooltip="File to write. A DICOM volume is written to a folder of this name.",
        )
        self.spacing = [_make_spacing_box() for _ in _AXIS_NAMES]
        self.origin = [_make_origin_box() for _ in _AXIS_NAMES]
        self.reset = PushButton(
            text="Reset to layer", tooltip="Resets spacing and origin to those of the layer."
        )
        self.compress = CheckBox(
            text="Compress", tooltip="Compresses without loss: smaller files that open more slowly."
        )
        self.keep_patient = CheckBox(
            text="Include patient and study",
            tooltip="Writes the patient and study data of the source files.\n"
            "Otherwise none of these data are written.",
        )
        self.range = make_wrapping_label()
        self._grid_rows = [
            make_labelled_row(Label(value=f"{quantity} {axis}"), box)
            for quantity, boxes in (("Spacing", self.spacing), ("Origin", self.origin))
            for axis, box in zip(_AXIS_NAMES, boxes, strict=True)
        ]
        self._lay_out(
            [
                make_labelled_row(Label(value="Layer"), self.layer),
                make_labelled_row(Label(value="Format"), self.format),
                make_labelled_row(Label(value="File"), self.file),
                *self._grid_rows,
                self.reset,
                self.compress,
                self.keep_patient,
                self.range,
            ]
        )
        self.format.changed.connect(self._on_format)
        for control in (self.file, self.compress, self.keep_patient, *self.spacing, *self.origin):
            control.changed.connect(self._preview)
        self.reset.changed.connect(self._on_reset)
        self._on_format()
        self._update_controls()

    def _update_controls(self, *_: Any) -> None:
        """Show spacing, origin and range of the chosen layer."""
        if self._is_updating or not hasattr(self, "_grid_rows"):
            return
        self._is_updating = True
        try:
            self._follow_layers()
            try:
                source = self._read_layer()
            except MedReadError:  # the preview shows the error
                source = None
            self._suggest_path(source)
            spacing, origin = find_spacing_and_origin(source.volume) if source else ((), ())
            # Values that the user has entered stay while layer, spacing and origin are the same.
            chosen = (spacing, origin, id(self.layer.value))
            is_new, self._filled_choice = chosen != self._filled_choice, chosen
            self._layer_grid = spacing, origin
            for boxes, exact, first in ((self.spacing, spacing, 0), (self.origin, origin, 3)):
                for n, box in enumerate(boxes):
                    self._grid_rows[first + n].visible = n < len(exact) or (not exact and n < 2)
                    box.enabled = n < len(exact)
                    if is_new and n < len(exact):
                        box.value = round(exact[n], SPACING_DECIMALS)
        finally:
            self._is_updating = False
        self._preview()
        self._measure_range(source)

    def _suggest_path(self, source: LayerVolume | None) -> None:
        """Name the file after the layer, unless the user has chosen a name."""
        if source is None or (
            self._suggested_path and Path(self.file.value) != self._suggested_path
        ):
            return
        folder = self._suggested_path.parent if self._suggested_path else Path.home()
        name = to_file_name(source.volume.name) + self.format.value.suffix
        self.file.value = self._suggested_path = folder / name

    def _on_reset(self) -> None:
        self._filled_choice = None
        self._update_controls()

    def _on_format(self, *_: Any) -> None:
        """Set the suffix of the file, and enable the choices that the format offers."""
        choice: ExportChoice = self.format.value
        self.compress.enabled = choice.file_format.has_compression_choice
        self.keep_patient.enabled = choice.file_format.has_patient_choice
        self.file.filter = f"{choice.file_format.name} (*{choice.suffix})"
        source = self._read_layer_or_none()
        if source is not None and Path(self.file.value).name:
            was_suggested = Path(self.file.value) == self._suggested_path
            self.file.value = ExportPlan(source, choice, Path(self.file.value)).path
            if was_suggested:
                self._suggested_path = Path(self.file.value)
        self._preview()

    def _read_layer(self) -> LayerVolume | None:
        layer, viewer = self.layer.value, self._viewer_ref()
        return None if layer is None or viewer is None else volume_from_layer(layer, viewer)

    def _read_layer_or_none(self) -> LayerVolume | None:
        try:
            return self._read_layer()
        except MedReadError:
            return None

    def _make_plan(self) -> ExportPlan | None:
        """Return the current choices; None without a layer.

        Raises
        ------
        MedReadError
            If the layer cannot be made a volume.
        """
        source = self._read_layer()
        if source is None:
            return None
        return ExportPlan(
            source,
            self.format.value,
            Path(self.file.value),
            _find_edited_values(self.spacing, self._layer_grid[0]),
            _find_edited_values(self.origin, self._layer_grid[1]),
            compress=bool(self.compress.value),
            keep_patient=bool(self.keep_patient.value),
        )

    def _preview(self, *_: Any) -> None:
        """Show what will be written, or why nothing can be."""
        if self._is_updating:
            return
        self.message.value = ""
        self.run.enabled = False
        try:
            plan = self._make_plan()
            if plan is None:
                self.outcome.value = "Open an image or labels layer first."
            else:
                lines = [plan.describe(), *find_export_remarks(plan.source, plan.path)]
                if plan.replaces_file:
                    lines.append("This file exists: you will be asked before it is replaced.")
                self.outcome.value = "\n".join(lines)
                self.run.enabled = True
        except MedReadError as error:
            self.outcome.value = str(error)

    def _measure_range(self, source: LayerVolume | None) -> None:
        """Find the range of the values in the background."""
        self.tasks.drop(self._measuring)
        self._measuring = None
        self.range.value = ""
        if source is None or source.volume.rgb or not source.volume.data.size:
            return
        self.range.value = "Values: ..."
        task = BackgroundTask(partial(find_value_range, source.volume))
        unit = f" {source.volume.value_unit}".rstrip()
        dtype = source.volume.data.dtype
        self._measuring = self.tasks.start(
            task,
            on_result=self.while_open(
                lambda panel, limits: _show_range(panel, _format_range(limits, unit, dtype))
            ),
        )

    def _on_run(self) -> None:
        try:
            plan = self._make_plan()  # something may have changed since the preview
            if plan is None or self._task is not None:
                return
            plan.describe()
        except MedReadError as error:
            self.message.value = str(error)
            show_error(str(error))
            return
        if plan.replaces_file and not self._ask_to_replace(plan.target):
            self.message.value = "Nothing was written."
            return
        self.message.value = ""
        task = BackgroundTask(plan.run)
        task.refused.connect(show_error)
        self._start_task(task, partial(_describe_written, plan))

    def _ask_to_replace(self, path: Path) -> bool:
        """Ask whether a file may be replaced."""
        yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
        answer = QMessageBox.question(
            self.native, "Export", f"{path.name} already exists. Replace it?", yes | no, no
        )
        return bool(answer == yes)


def _show_range(panel: Export, text: str) -> None:
    panel.range.value = text
    panel._measuring = None


def _describe_written(plan: ExportPlan, written: WrittenFiles) -> str:
    """Return a sentence about the files that were written, and the notes of the writer."""
    names = " and ".join(path.name for path in written.paths)
    notes = " ".join(written.notes)
    return f"Wrote {plan.volume.name} to {names} in {plan.target.parent}. {notes}".strip()


def _format_range(limits: tuple[Any, Any] | None, unit: str, dtype: Any) -> str:
    if limits is None:
        return f"Values: none is finite ({dtype})."
    low, high = (f"{value:,}" if isinstance(value, int) else f"{value:.6g}" for value in limits)
    return f"Values: {low} to {high}{unit} ({dtype})."


def _find_edited_values(boxes: list[Any], exact: tuple[float, ...]) -> tuple[float, ...] | None:
    """Return the entered values; unrounded where the user has changed nothing.

    None if the user has changed none of them.
    """
    entered = [box.value for box in boxes[: len(exact)]]
    if all(
        value == round(layer_value, SPACING_DECIMALS)
        for value, layer_value in zip(entered, exact, strict=True)
    ):
        return None
    return tuple(
        layer_value if value == round(layer_value, SPACING_DECIMALS) else value
        for value, layer_value in zip(entered, exact, strict=True)
    )


def _make_spacing_box() -> Any:
    box = make_spacing_box()
    box.min = 0
    box.native.setSpecialValueText("unknown")  # of 0
    return box


def _make_origin_box() -> Any:
    box = make_spacing_box()
    box.min, box.max, box.step = -_MAX_ORIGIN_MM, _MAX_ORIGIN_MM, 1
    box.tooltip = "Position of the centre of the first voxel along this axis, in mm."
    return box
