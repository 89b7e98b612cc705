"""The panel that resamples a layer."""

from __future__ import annotations

import weakref
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Label, PushButton
from napari.layers import Labels, Layer
from napari.utils.notifications import show_error

from napari_medread.core.geometry import PATIENT_LABELS, PLANE_LABELS
from napari_medread.core.size_text import format_size, format_spacing
from napari_medread.core.volume import Volume
from napari_medread.errors import MedReadError
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.gui.controls import SPACING_DECIMALS, make_labelled_row, make_spacing_box
from napari_medread.plugin.gui.layer_panel import LayerPanel
from napari_medread.plugin.resample.layer_resampling import (
    ResamplePlan,
    describe_resampled_volume,
    make_resampling_task,
    plan_resampling,
)
from napari_medread.processing.target_grids import make_resampling_target
from napari_medread.processing.volume_resampling import (
    check_resampling,
    choose_interpolation,
    find_resampled_size,
    is_coarser,
)

ISOTROPIC, SPACING, PATIENT_AXES, OTHER_GRID = (
    "isotropic voxels",
    "a given spacing",
    "the patient's axes",
    "another layer's grid",
)
_INTERPOLATIONS = [("linear", "linear"), ("nearest", "nearest"), ("B-spline (cubic)", "b-spline")]


class ResamplePanel(LayerPanel):
    """Resample a layer to isotropic voxels, a spacing, the patient's axes or another grid.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer whose layers are offered. Neither it nor its layers are kept alive.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            napari_viewer,
            layer="The image or labels layer to resample.",
            run=PushButton(
                text="Resample",
                tooltip="Adds a resampled copy as a new layer. The original is not changed.",
            ),
            cancel="Stops resampling. No layer is added.",
        )
        self._exact: tuple[float, ...] = ()
        self._filled_for: tuple[Any, ...] = ()
        self._is_possible = False
        self.to: Any = ComboBox(
            choices=[ISOTROPIC, SPACING, PATIENT_AXES, OTHER_GRID],
            tooltip="The grid of the new layer. The patient's axes straighten oblique\n"
            "volumes and volumes of a tilted gantry.",
        )
        self.like: Any = ComboBox(
            choices=self._other_layers,
            tooltip="The new layer gets exactly this layer's grid,\n"
            "so that the two can be compared voxel by voxel.",
        )
        self.spacing = [make_spacing_box() for _ in range(3)]
        self.interpolation: Any = ComboBox(
            choices=_INTERPOLATIONS,
            tooltip="Labels and masks always use nearest, so that labels are never mixed.",
        )
        self.smooth = CheckBox(
            text="Smooth first",
            tooltip="If the new voxels are larger, averages over their size first\n"
            "to avoid aliasing.",
        )
        self.labels_of_spacing = [Label(value="Spacing") for _ in self.spacing]
        self._rows_of_spacing = [
            make_labelled_row(label, box)
            for label, box in zip(self.labels_of_spacing, self.spacing, strict=True)
        ]
        self._row_of_like = make_labelled_row(Label(value="Grid of"), self.like)
        for choice in (self.to, self.like):
            choice.changed.connect(self._update_controls)
        for each in (self.interpolation, self.smooth):
            each.changed.connect(self._update_preview)
        for box in self.spacing:
            box.changed.connect(self._on_spacing)
        self._lay_out(
            [
                make_labelled_row(Label(value="Layer"), self.layer),
                make_labelled_row(Label(value="To"), self.to),
                self._row_of_like,
                *self._rows_of_spacing,
                make_labelled_row(Label(value="Interpolation"), self.interpolation),
                self.smooth,
            ]
        )

    def _other_layers(self, *_: Any) -> list[Layer]:
        return [layer for layer in self._layer_choices() if layer is not self.layer.value]

    def _layers_in_use(self) -> list[Layer]:
        """Return the chosen layer, and the layer whose grid is chosen."""
        like = self.like.value if self.to.value == OTHER_GRID else None
        return [layer for layer in (self.layer.value, like) if layer is not None]

    def _update_controls(self, *_: Any) -> None:
        """Show the spacing of the chosen layer and target, and enable what can be edited."""
        if self._is_updating:
            return
        self._is_updating = True
        try:
            self.like.reset_choices()  # all layers except the chosen one
            self._follow_layers()
            spacing, labels = self._default_spacing()
            to = self.to.value
            # Keep what the user typed while layer, target and default spacing stay the same.
            chosen = (to, spacing, *(weakref.ref(each) for each in self._layers_in_use()))
            is_new, self._filled_for = chosen != self._filled_for, chosen
            self._exact = spacing
            first = len(self.spacing) - len(spacing)
            for n, box in enumerate(self.spacing):
                self._rows_of_spacing[n].visible = n >= first or not spacing
                box.enabled = bool(spacing) and to != OTHER_GRID
                if n >= first and spacing:
                    self.labels_of_spacing[n].value = f"Spacing {labels[n - first]}"
                    if is_new:
                        box.value = round(spacing[n - first], SPACING_DECIMALS)
            self._row_of_like.visible = to == OTHER_GRID
        finally:
            self._is_updating = False
        self._update_preview()

    def _default_spacing(self) -> tuple[tuple[float, ...], tuple[str, ...]]:
        """Return the default spacing in mm of every axis, and the axis labels; empty if unknown."""
        layer, viewer = self.layer.value, self._viewer_ref()
        if layer is None or viewer is None:
            return (), ()
        try:
            if self.to.value == OTHER_GRID:
                like = self.like.value
                geometry = None if like is None else volume_from_layer(like, viewer).volume.geometry
            else:
                volume = volume_from_layer(layer, viewer).volume
                geometry = volume.geometry
                if self.to.value in (PATIENT_AXES, ISOTROPIC) and geometry is not None:
                    straighten = self.to.value == PATIENT_AXES and geometry.ndim == 3
                    geometry = make_resampling_target(volume, straighten=straighten).geometry
        except MedReadError:
            return (), ()
        if geometry is None:
            return (), ()
        return geometry.spacing, PATIENT_LABELS if geometry.ndim == 3 else PLANE_LABELS

    def _on_spacing(self, value: float) -> None:
        if self._is_updating:
            return
        if self.to.value == ISOTROPIC:  # one spacing for all axes
            self._is_updating = True
            for box in self.spacing:
                box.value = value
            self._is_updating = False
        self._update_preview()

    def _wanted_spacing(self) -> list[float]:
        """Return the spacing in mm: typed values, and exact ones where nothing was typed."""
        shown = [box.value for box in self.spacing[len(self.spacing) - len(self._exact) :]]
        return [
            exact if value == round(exact, SPACING_DECIMALS) else value
            for value, exact in zip(shown, self._exact, strict=True)
        ]

    def _plan(self) -> ResamplePlan | None:
        """Return the plan for the current choices; None where a layer is missing.

        Raises
        ------
        MedReadError
            Where the layer cannot be resampled like this.
        """
        layer, viewer = self.layer.value, self._viewer_ref()
        if (
            layer is None
            or viewer is None
            or (self.to.value == OTHER_GRID and self.like.value is None)
        ):
            return None
        if self.to.value == OTHER_GRID:
            return plan_resampling(layer, viewer, like=self.like.value)
        spacing = self._wanted_spacing() or None
        return plan_resampling(
            layer, viewer, spacing=spacing, straighten=self.to.value == PATIENT_AXES
        )

    def _update_preview(self, *_: Any) -> None:
        """Show what the result will be, or why there can be none."""
        if self._is_updating:
            return
        self.message.value = ""
        self._is_possible = is_coarse = False
        method = self.interpolation.value
        try:
            plan = self._plan()
            if plan is None:
                self.outcome.value = (
                    "Open an image or labels layer first."
                    if self.layer.value is None
                    else "Open the layer whose grid you want first."
                )
            else:
                volume = plan.source.volume
                method = choose_interpolation(volume, self.interpolation.value)
                is_coarse = method != "nearest" and is_coarser(volume, plan.target)
                check_resampling(volume, plan.target, method)
                self.outcome.value = _describe_outcome(plan)
                self._is_possible = True
        except MedReadError as error:
            self.outcome.value = str(error)
        self._is_updating = True
        layer = self.layer.value
        is_fixed = layer is not None and (isinstance(layer, Labels) or layer.dtype == bool)
        self.interpolation.enabled = not is_fixed
        if is_fixed:
            self.interpolation.value = "nearest"
        self._is_updating = False
        self.smooth.enabled = is_coarse
        self.run.enabled = self._is_possible

    def _on_run(self) -> None:
        viewer = self._viewer_ref()
        try:
            plan = self._plan()  # again, as layers may have changed since the preview
        except MedReadError as error:
            self.message.value = str(error)
            show_error(str(error))
            return
        if plan is None or viewer is None or self._task is not None:
            return
        self.message.value = ""
        smooth = bool(self.smooth.value and self.smooth.enabled)
        task = make_resampling_task(viewer, plan, self.interpolation.value, smooth=smooth)
        self._start_task(task, lambda volume: _describe_result(plan, volume))


def _describe_result(plan: ResamplePlan, volume: Volume) -> str:
    """Return the sentence on the new layer, with its remarks and notes."""
    return f"Added {volume.name}. {describe_resampled_volume(plan, volume)}".strip()


def _describe_outcome(plan: ResamplePlan) -> str:
    """Return size, spacing and memory of the result, and remarks."""
    volume, geometry = plan.source.volume, plan.target.geometry
    nbytes = find_resampled_size(volume, plan.target)
    shape = (*volume.shape[: len(volume.leading)], *geometry.shape)
    lines = [
        f"Result: {format_size(shape, geometry.slice_axis)} voxels",
        f"of {format_spacing(geometry.spacing, geometry.slice_axis)}, {nbytes / 1e6:,.1f} MB.",
    ]
    return "\n".join([*lines, *plan.source.remarks])
