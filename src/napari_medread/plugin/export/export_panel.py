"""The widget that exports a layer to a file."""

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
    FORMATS,
    ExportPlan,
    Format,
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

_AXES = "xyz"

_MAX_ORIGIN_MM = 1e6
"""In mm, for an origin."""


class Export(LayerPanel):
    """Export a layer: shows what will be written, and lets spacing and origin be changed.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers to offer. It is not kept alive, and neither are they.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            napari_viewer,
            layer="The image or labels layer to export.",
            run=PushButton(text="Export", tooltip="Writes the file. Asks before replacing one."),
            cancel="Stops writing. What was there before stays as it was.",
        )
        self._exact: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
        self._filled_for: Any = None
        self._suggested: Path | None = None
        self._measuring: BackgroundTask | None = None
        self.format: Any = ComboBox(
            choices=[(each.name, each) for each in FORMATS],
            tooltip="The kind of file. Its suffix is put behind the name.",
        )
        self.file: Any = FileEdit(
            mode=FileDialogMode.OPTIONAL_FILE,
            tooltip="Where to write. A DICOM volume becomes a folder of this name.",
        )
        self.spacing = [_make_spacing_box() for _ in _AXES]
        self.origin = [_make_origin_box() for _ in _AXES]
        self.reset = PushButton(
            text="As in the layer", tooltip="Takes spacing and origin from the layer again."
        )
        self.compress = CheckBox(
            text="Compress", tooltip="Packs the data without loss: smaller files, slower to open."
        )
        self.keep_patient = CheckBox(
            text="With patient and study",
            tooltip="Writes what the source files say about the patient and the study.\n"
            "Otherwise nothing of them is written.",
        )
        self.range = make_wrapping_label()
        self._grids = [
            make_labelled_row(Label(value=f"{what} {axis}"), box)
            for what, boxes in (("Spacing", self.spacing), ("Origin", self.origin))
            for axis, box in zip(_AXES, boxes, strict=True)
        ]
        self._lay_out(
            [
                make_labelled_row(Label(value="Layer"), self.layer),
                make_labelled_row(Label(value="Format"), self.format),
                make_labelled_row(Label(value="File"), self.file),
                *self._grids,
                self.reset,
                self.compress,
                self.keep_patient,
                self.range,
            ]
        )
        self.format.changed.connect(self._on_format)
        for each in (self.file, self.compress, self.keep_patient, *self.spacing, *self.origin):
            each.changed.connect(self._preview)
        self.reset.changed.connect(self._on_reset)
        self._on_format()
        self._update_controls()

    def _update_controls(self, *_: Any) -> None:
        """Show spacing, origin and range of the chosen layer."""
        if self._is_updating or not hasattr(self, "_grids"):
            return
        self._is_updating = True
        try:
            self._follow_layers()
            try:
                shown = self._shown()
            except MedReadError:  # which the preview says
                shown = None
            self._suggest(shown)
            spacing, origin = find_spacing_and_origin(shown.volume) if shown else ((), ())
            # What was typed stays, as long as it is about the same.
            chosen = (spacing, origin, id(self.layer.value))
            is_new, self._filled_for = chosen != self._filled_for, chosen
            self._exact = spacing, origin
            for boxes, exact, first in ((self.spacing, spacing, 0), (self.origin, origin, 3)):
                for n, box in enumerate(boxes):
                    self._grids[first + n].visible = n < len(exact) or (not exact and n < 2)
                    box.enabled = n < len(exact)
                    if is_new and n < len(exact):
                        box.value = round(exact[n], SPACING_DECIMALS)
        finally:
            self._is_updating = False
        self._preview()
        self._measure(shown)

    def _suggest(self, shown: LayerVolume | None) -> None:
        """Name the file after the layer, unless a name was chosen."""
        if shown is None or (self._suggested and Path(self.file.value) != self._suggested):
            return
        folder = self._suggested.parent if self._suggested else Path.home()
        name = to_file_name(shown.volume.name) + self.format.value.suffix
        self.file.value = self._suggested = folder / name

    def _on_reset(self) -> None:
        self._filled_for = None
        self._update_controls()

    def _on_format(self, *_: Any) -> None:
        """Put the format's suffix behind the name, and offer what it can hold."""
        chosen: Format = self.format.value
        self.compress.enabled = chosen.can_pack
        self.keep_patient.enabled = chosen.has_patient
        self.file.filter = f"{chosen.name.split(' (')[0]} (*{chosen.suffix})"
        shown = self._shown_or_none()
        if shown is not None and Path(self.file.value).name:
            was_suggested = Path(self.file.value) == self._suggested
            self.file.value = ExportPlan(shown, chosen, Path(self.file.value)).path
            if was_suggested:
                self._suggested = Path(self.file.value)
        self._preview()

    def _shown(self) -> LayerVolume | None:
        layer, viewer = self.layer.value, self._viewer_ref()
        return None if layer is None or viewer is None else volume_from_layer(layer, viewer)

    def _shown_or_none(self) -> LayerVolume | None:
        try:
            return self._shown()
        except MedReadError:
            return None

    def _wish(self) -> ExportPlan | None:
        """Return what is chosen now; None without a layer.

        Raises
        ------
        MedReadError
            Where the layer is no volume.
        """
        shown = self._shown()
        if shown is None:
            return None
        return ExportPlan(
            shown,
            self.format.value,
            Path(self.file.value),
            _find_edited_values(self.spacing, self._exact[0]),
            _find_edited_values(self.origin, self._exact[1]),
            compress=bool(self.compress.value),
            keep_patient=bool(self.keep_patient.value),
        )

    def _preview(self, *_: Any) -> None:
        """Say what will be written, or why nothing can."""
        if self._is_updating:
            return
        self.message.value = ""
        self.run.enabled = False
        try:
            wish = self._wish()
            if wish is None:
                self.outcome.value = "Open an image or labels layer first."
            else:
                lines = [wish.forecast(), *find_export_remarks(wish.shown, wish.path)]
                if wish.is_there:
                    lines.append("There is a file of this name: you will be asked.")
                self.outcome.value = "\n".join(lines)
                self.run.enabled = True
        except MedReadError as error:
            self.outcome.value = str(error)

    def _measure(self, shown: LayerVolume | None) -> None:
        """Find the range of the values beside the window."""
        self.tasks.drop(self._measuring)
        self._measuring = None
        self.range.value = ""
        if shown is None or shown.volume.rgb or not shown.volume.data.size:
            return
        self.range.value = "Values: ..."
        work = BackgroundTask(partial(find_value_range, shown.volume))
        unit = f" {shown.volume.value_unit}".rstrip()
        dtype = shown.volume.data.dtype
        self._measuring = self.tasks.start(
            work,
            on_result=self.while_open(
                lambda panel, found: _show_range(panel, _format_range(found, unit, dtype))
            ),
        )

    def _on_run(self) -> None:
        try:
            wish = self._wish()  # once more: whatever has changed since, this is written
            if wish is None or self._task is not None:
                return
            wish.forecast()
        except MedReadError as error:
            self.message.value = str(error)
            show_error(str(error))
            return
        if wish.is_there and not self._may_replace(wish.target):
            self.message.value = "Nothing was written."
            return
        self.message.value = ""
        work = BackgroundTask(wish.run)
        work.refused.connect(show_error)
        self._start_task(work, partial(_describe_written, wish))

    def _may_replace(self, path: Path) -> bool:
        """Ask whether a file may be replaced."""
        yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
        answer = QMessageBox.question(
            self.native, "Export", f"{path.name} is there already. Replace it?", yes | no, no
        )
        return bool(answer == yes)


def _show_range(panel: Export, text: str) -> None:
    panel.range.value = text
    panel._measuring = None


def _describe_written(wish: ExportPlan, written: WrittenFiles) -> str:
    """Say what was written, and what about it is worth knowing."""
    names = " and ".join(path.name for path in written.paths)
    notes = " ".join(written.notes)
    return f"{wish.volume.name} was written to {names} in {wish.target.parent}. {notes}".strip()


def _format_range(found: tuple[Any, Any] | None, unit: str, dtype: Any) -> str:
    if found is None:
        return f"Values: none that are finite ({dtype})."
    low, high = (f"{value:,}" if isinstance(value, int) else f"{value:.6g}" for value in found)
    return f"Values: {low} to {high}{unit} ({dtype})."


def _find_edited_values(boxes: list[Any], exact: tuple[float, ...]) -> tuple[float, ...] | None:
    """Return the numbers shown if one was edited, without the rounding of the others."""
    shown = [box.value for box in boxes[: len(exact)]]
    if all(value == round(own, SPACING_DECIMALS) for value, own in zip(shown, exact, strict=True)):
        return None
    return tuple(
        own if value == round(own, SPACING_DECIMALS) else value
        for value, own in zip(shown, exact, strict=True)
    )


def _make_spacing_box() -> Any:
    box = make_spacing_box()
    box.min = 0
    box.native.setSpecialValueText("unknown")  # of 0
    return box


def _make_origin_box() -> Any:
    box = make_spacing_box()
    box.min, box.max, box.step = -_MAX_ORIGIN_MM, _MAX_ORIGIN_MM, 1
    box.tooltip = "Where the centre of the first voxel lies along this axis, in mm."
    return box
