"""The panel "Volume rendering": presets, views of the patient, crop box and undo."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from magicgui.widgets import Label, PushButton
from napari.layers import Layer
from napari.utils.notifications import show_error

from napari_medread.core.rendering_presets import RenderingPreset
from napari_medread.errors import MedReadError
from napari_medread.plugin.gui.button_grid import ButtonGrid
from napari_medread.plugin.gui.controls import make_labelled_row, make_row
from napari_medread.plugin.gui.layer_panel import LayerPanel
from napari_medread.plugin.gui.qt_parts import wrap_qt_widgets
from napari_medread.plugin.gui.viewer_references import get_open_viewer
from napari_medread.plugin.rendering.camera_views import VIEW_DIRECTIONS
from napari_medread.plugin.rendering.clipping_box import find_clipping_box, find_layer_box
from napari_medread.plugin.rendering.crop_box_controls import CropBoxControls
from napari_medread.plugin.rendering.crop_drag import CropDrag
from napari_medread.plugin.rendering.lazy_loading import make_loading_task, needs_loading_for_3d
from napari_medread.plugin.rendering.renderable_layers import (
    describe_rendering,
    find_applied_preset,
    find_layer_presets,
    is_drawn_coarsely,
    is_renderable,
    plan_gpu_sized_copy,
)
from napari_medread.plugin.rendering.rendered_voxels import is_volume_layer
from napari_medread.plugin.rendering.rendering_session import get_rendering_session
from napari_medread.plugin.rendering.transfer_function_legend import TransferFunctionLegend
from napari_medread.plugin.resample.layer_resampling import make_resampling_task
from napari_medread.plugin.window_level.layer_windows import get_value_unit

_BUTTONS_PER_ROW = 3

_MAX_PRESETS = 12
"""Maximum number of presets that are offered for a layer."""

_SIDE_DESCRIPTIONS = {
    "Anterior": "the front, head up",
    "Posterior": "behind, head up",
    "Left": "the patient's left, head up",
    "Right": "the patient's right, head up",
    "Superior": "above, front up",
    "Inferior": "below, front up, like axial slices",
}


class VolumeRendering(LayerPanel):
    """Renders a volume in 3D as bone, lungs, skin and so on; turns and crops it.

    Parameters
    ----------
    napari_viewer : Viewer
        Its image layers are offered. Neither the viewer nor the layers are kept alive.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            napari_viewer,
            layer="The volume to render: an image of three axes or more, not in colour.",
            run=PushButton(
                text="Resample a copy",
                tooltip="Adds a smoothed copy, just coarse enough for this GPU to show all of its\n"
                "voxels, and renders it in place of this layer.",
            ),
            cancel="Stops loading or resampling. No layer is changed.",
        )
        self._session = get_rendering_session(napari_viewer)
        self._session.add_listener(self._update_controls)
        self._offered: tuple[RenderingPreset, ...] = ()
        self.presets = ButtonGrid(_MAX_PRESETS, _BUTTONS_PER_ROW, is_choice=True)
        self.presets.clicked.connect(self._on_preset)
        self.legend = TransferFunctionLegend()
        self.views = ButtonGrid(len(VIEW_DIRECTIONS), _BUTTONS_PER_ROW)
        self.views.set_buttons(
            [
                (side, f"Shows the patient in 3D from {_SIDE_DESCRIPTIONS[side]}.")
                for side in VIEW_DIRECTIONS
            ]
        )
        self.views.clicked.connect(self._on_view)
        self.crop = CropBoxControls()
        self.crop.changed.connect(self._on_crop)
        self._crop_drag = CropDrag(self._viewer_ref, self._session, self.crop.is_held)
        self.crop.finished.connect(self._crop_drag.finish)
        self.reset = PushButton(
            text="Reset crop", tooltip="Shows all of this and of all selected volumes again."
        )
        self.reset.changed.connect(self._on_reset)
        self.undo = PushButton(
            text="Undo",
            tooltip="Undoes the last preset, crop or copy: colours, limits, rendering, camera,\n"
            "and whether slices or 3D were shown. Press again for earlier steps.",
        )
        self.undo.changed.connect(self._on_undo)
        self._lay_out(
            [
                make_labelled_row(Label(value="Layer"), self.layer),
                wrap_qt_widgets(self.presets, self.legend),
                Label(value="View from"),
                wrap_qt_widgets(self.views),
                Label(value="Crop"),
                wrap_qt_widgets(self.crop),
                make_row(self.reset, self.undo),
            ]
        )

    def _on_close(self) -> None:
        self._crop_drag.finish()

    def _layer_choices(self, *_: Any) -> list[Layer]:
        return [layer for layer in super()._layer_choices() if is_renderable(layer)]

    def _show_running(self, *, running: bool) -> None:
        super()._show_running(running=running)
        layer = self.layer.value
        self.run.visible = not running and layer is not None and is_drawn_coarsely(layer)
        is_usable = not running and layer is not None
        for widget in (self.presets, self.views, self.crop):
            widget.setEnabled(is_usable)
        self.reset.enabled = is_usable
        self.undo.enabled = not running and self._session.can_undo

    def _on_task_finished(self) -> None:
        self._update_controls()

    def _update_controls(self, *_: Any) -> None:
        """Show the presets that fit the chosen layer, its crop box, and what is applied."""
        if self._is_updating or self.is_closed:
            return
        self._is_updating = True
        try:
            self._follow_layers()
            layer = self.layer.value
            self._offered = find_layer_presets(layer)
            self.presets.set_buttons(
                [(preset.name, preset.description) for preset in self._offered]
            )
            self._show_applied_preset(layer)
            if layer is not None and not self._crop_drag.is_awaited_by(layer):
                self.crop.show_box(find_layer_box(layer), find_clipping_box(layer))
            self._show_running(running=self._task is not None)
            self.outcome.value = describe_rendering(layer, self._viewer_ref())
        finally:
            self._is_updating = False

    def _show_applied_preset(self, layer: Any) -> None:
        """Mark the preset that a layer has, and show its colours over the layer's values."""
        applied = None if layer is None else find_applied_preset(layer, self._offered)
        self.presets.set_pressed(applied)
        if applied is None:
            self.legend.show_transfer(None)
            return
        unit = get_value_unit(layer)
        # Four digits, and never an exponent.
        low, high = (
            np.format_float_positional(limit, 4, unique=False, fractional=False, trim="-")
            for limit in layer.contrast_limits
        )
        end_labels = (f"{low} {unit}".strip(), f"{high} {unit}".strip())
        self.legend.show_transfer(self._offered[applied].make_transfer_function(1.0), end_labels)

    def _on_preset(self, n: int) -> None:
        layer, viewer = self.layer.value, self._viewer_ref()
        if self._task is not None or layer is None or viewer is None:
            return
        preset = self._offered[n]
        self._crop_drag.finish()
        self.message.value = ""
        if needs_loading_for_3d(layer, viewer):
            # Until the volume is loaded, the click changes nothing.
            self.presets.set_pressed(find_applied_preset(layer, self._offered))
            self._load_and_render(layer, preset, viewer)
            return
        try:
            self._session.render(layer, preset)
        except MedReadError as error:
            self.presets.set_pressed(find_applied_preset(layer, self._offered))
            self.message.value = str(error)

    def _load_and_render(self, layer: Layer, preset: RenderingPreset, viewer: Any) -> None:
        """Load a lazy layer in the background, then render it."""
        session, name, layer_ref = self._session, layer.name, weakref.ref(layer)
        viewer_ref = self._viewer_ref

        def render_loaded(_: Any) -> str:
            loaded, open_viewer = layer_ref(), get_open_viewer(viewer_ref)
            if open_viewer is None or loaded is None or loaded not in open_viewer.layers:
                return f"{name} was deleted."
            try:
                session.render(loaded, preset)
            except MedReadError as error:
                return str(error)
            return f"Loaded {loaded.name} into memory."

        self._start_task(make_loading_task(layer, viewer), render_loaded)

    def _on_view(self, n: int) -> None:
        if self.layer.value is not None:
            self._session.view_from(list(VIEW_DIRECTIONS)[n])

    def _on_crop(self) -> None:
        layer = self.layer.value
        if self._is_updating or layer is None:
            return
        self._crop_drag.crop(self._find_crop_targets(), self.crop.read_box(find_layer_box(layer)))

    def _on_reset(self) -> None:
        self._crop_drag.finish()
        layers = [
            layer for layer in self._find_crop_targets() if layer.experimental_clipping_planes
        ]
        if layers:
            with self._session.step(layers):
                for layer in layers:
                    layer.experimental_clipping_planes = None

    def _on_undo(self) -> None:
        self._crop_drag.finish()
        self.message.value = ""
        layers = [layer for layer in self._session.undo() if layer in self.layer.choices]
        if layers and self.layer.value not in layers:
            self.layer.value = layers[0]

    def _find_crop_targets(self) -> list[Layer]:
        """Return the chosen layer, and all selected layers that can be cropped with it."""
        viewer = self._viewer_ref()
        chosen = self.layer.value
        if viewer is None or chosen is None:
            return []
        selected = viewer.layers.selection
        return [
            layer
            for layer in viewer.layers
            if layer is chosen or (layer in selected and is_volume_layer(layer))
        ]

    def _on_run(self) -> None:
        """Resample a copy that the GPU can show completely."""
        self._crop_drag.finish()
        layer, viewer = self.layer.value, self._viewer_ref()
        if layer is None or viewer is None or self._task is not None:
            return
        try:
            task = make_resampling_task(viewer, plan_gpu_sized_copy(layer, viewer), smooth=True)
        except MedReadError as error:
            self.message.value = str(error)
            show_error(str(error))
            return
        applied, layer_ref = find_applied_preset(layer, self._offered), weakref.ref(layer)
        preset = None if applied is None else self._offered[applied]
        self_ref = weakref.ref(self)  # the task would keep the panel alive

        def show_copy(volume: Any) -> str:
            panel = self_ref()
            return "" if panel is None else panel._show_copy(layer_ref(), preset, volume)

        self._start_task(task, show_copy)

    def _show_copy(self, source: Layer | None, preset: RenderingPreset | None, volume: Any) -> str:
        """Show the copy in place of its source, by the same preset, and return a message."""
        viewer = self._viewer_ref()
        copy = None if viewer is None else viewer.layers.selection.active
        if viewer is None or copy is None or copy.data is not volume.data:
            return f"Added {volume.name}."
        self.layer.value = copy
        if source is None or source not in viewer.layers:
            return f"Added {volume.name}."
        self._session.replace_by_copy(source, copy, preset)
        return f"Added {volume.name}, and hid {source.name}."
