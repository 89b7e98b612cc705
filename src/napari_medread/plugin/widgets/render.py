"""The widget that renders a volume by presets, turns it, and cuts it to a box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from magicgui.widgets import Container, FloatRangeSlider, Label, PushButton
from napari.layers import Layer
from napari.utils.notifications import show_error

from napari_medread.core.geometry import PATIENT_LABELS
from napari_medread.core.rendering import Preset, presets_for
from napari_medread.errors import MedReadError
from napari_medread.plugin.clipping import (
    box_of,
    cut,
    drawn_step,
    is_volume,
    spatial_shape,
    texture_limit,
    whole_box,
)
from napari_medread.plugin.fetching import load, must_read, nbytes_of
from napari_medread.plugin.rendering import VIEWS, is_by, studio_of
from napari_medread.plugin.resampling import plan, work_on
from napari_medread.plugin.volumes import volume_of_layer
from napari_medread.plugin.widgets.controls import row
from napari_medread.plugin.widgets.legend import Legend
from napari_medread.plugin.widgets.panel import Panel

_COLUMNS = 3
"""Buttons in a row."""

_MOST = 12
"""Presets that are offered for a layer at most."""

_STRAIGHT = 0.999
"""Cosine to the patient's axes above which a volume is not called oblique."""

_SIDES = (("Sup – inf", "superior"), ("Ant – post", "anterior"), ("Right – left", "right"))
"""Names of the crop box's rows, and the end from which each is counted."""


class VolumeRendering(Panel):
    """Make a volume look like bone, lungs, skin, ... in 3D; turn it, and cut it.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers to offer. It is not kept alive, and neither are they.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            napari_viewer,
            layer="The volume to render: an image of three axes or more, not in colour.",
            run=PushButton(
                text="Resample a copy",
                tooltip="Adds a copy whose voxels are just so coarse that this GPU can show all\n"
                "of them, smoothed first, and renders it instead.",
            ),
            cancel="Stops the work. No layer is changed.",
        )
        self._studio = studio_of(napari_viewer)
        self._studio.tell(self._prefill)
        self._offered: tuple[Preset, ...] = ()
        self.presets = [PushButton(text="") for _ in range(_MOST)]
        for n, button in enumerate(self.presets):
            button.native.setCheckable(True)
            policy = button.native.sizePolicy()
            policy.setRetainSizeWhenHidden(True)  # the last row is as wide as the others
            button.native.setSizePolicy(policy)
            button.changed.connect(partial(self._on_preset, n))
        self._preset_rows = _grid(self.presets)
        self.legend = Legend()
        self.views = {
            name: PushButton(
                text=name, tooltip=f"Shows the patient in 3D as seen from {_FROM[name]}."
            )
            for name in VIEWS
        }
        for name, button in self.views.items():
            button.changed.connect(partial(self._on_view, name))
        self.crop = [
            FloatRangeSlider(
                min=0,
                max=1,
                value=(0, 1),
                step=0.5,
                tooltip=f"What to keep, in mm from the {end} end of the layer. It cuts all\n"
                "selected volumes in 3D, and changes no voxels.",
            )
            for _, end in _SIDES
        ]
        for slider in self.crop:
            slider.native.setDecimals(0)
            slider.native.setEdgeLabelMode(slider.native.EdgeLabelMode.NoLabel)
            slider.changed.connect(self._on_crop)
        self.reset = PushButton(
            text="Reset crop", tooltip="Shows this and all selected volumes whole again."
        )
        self.reset.changed.connect(self._on_reset)
        self.back = PushButton(
            text="Back",
            tooltip="Takes the last preset or crop back: colours, limits, rendering, camera,\n"
            "and whether slices were shown. Can be pressed several times.",
        )
        self.back.changed.connect(self._on_back)
        self._strip: Any = Container(widgets=[], labels=False)
        self._strip.margins = (0, 0, 0, 0)
        self._strip.native.layout().addWidget(self.legend)
        self._lay_out(
            [
                row(Label(value="Layer"), self.layer),
                *self._preset_rows,
                self._strip,
                Label(value="Seen from"),
                *_grid(list(self.views.values())),
                Label(value="Crop (mm)"),
                *(
                    row(Label(value=name), slider)
                    for (name, _), slider in zip(_SIDES, self.crop, strict=True)
                ),
                *_grid([self.reset, self.back], 2),
            ]
        )

    def _layers(self, *_: Any) -> list[Layer]:
        return [each for each in super()._layers() if is_volume(each) and each.rendering in _OURS]

    def _show_running(self, *, running: bool) -> None:
        super()._show_running(running=running)
        self.run.visible = not running and self._is_coarse()
        for button in (*self.presets, *self.views.values(), *self.crop, self.back, self.reset):
            button.enabled = not running and self.layer.value is not None

    def _after_work(self) -> None:
        self._prefill()

    def _prefill(self, *_: Any) -> None:
        """Show what fits the chosen layer, and how it is shown now."""
        if self._is_filling or self._is_gone:
            return
        self._is_filling = True
        try:
            self._watch()
            layer = self.layer.value
            metadata = {} if layer is None else layer.metadata
            unit = str(metadata.get("value_unit", ""))
            self._offered = (
                () if layer is None else presets_for(str(metadata.get("modality", "")), unit)
            )
            for n, button in enumerate(self.presets):
                button.visible = n < len(self._offered)
                if n < len(self._offered):
                    preset = self._offered[n]
                    button.text, button.tooltip = preset.name, preset.what
                    button.native.setChecked(is_by(layer, preset))
            for n, line in enumerate(self._preset_rows):
                line.visible = n * _COLUMNS < len(self._offered)
            self._show_legend(layer)
            self._show_crop(layer)
            self._show_running(running=self._work is not None)
            self.back.enabled = self._work is None and self._studio.can_go_back
            self.outcome.value = self._said_of(layer)
        finally:
            self._is_filling = False

    def _show_legend(self, layer: Any) -> None:
        preset = next((each for each in self._offered if is_by(layer, each)), None)
        if preset is None:
            self.legend.show_transfer(None)
            return
        low, high = layer.contrast_limits
        unit = str(layer.metadata.get("value_unit", ""))
        ends = (f"{low:.4g} {unit}".strip(), f"{high:.4g} {unit}".strip())
        self.legend.show_transfer(preset.transfer(1.0), ends)

    def _show_crop(self, layer: Any) -> None:
        if layer is None:
            return
        whole, box = whole_box(layer), box_of(layer)
        for slider, (start, end), kept in zip(self.crop, whole, box, strict=True):
            length = math.ceil((end - start) / slider.step - 1e-9) * slider.step
            # A step of half a mm would be all there is of a small sample.
            slider.max = max(length, slider.step)
            last = slider.max if kept[1] == end else min(kept[1] - start, slider.max)
            slider.value = (max(kept[0] - start, 0.0), last)

    def _said_of(self, layer: Any) -> str:
        """Say how large a volume is, and what is worth knowing before it is rendered."""
        viewer = self._viewer_of()
        if layer is None or viewer is None:
            return "Open a volume first: an image of three axes or more."
        size = " × ".join(map(str, spatial_shape(layer)))
        said = []
        if must_read(layer, viewer):
            said.append(
                f"Not in memory yet: a preset first reads {nbytes_of(layer) / 1e6:,.1f} MB."
            )
        if self._is_coarse():
            steps = drawn_step(layer)
            worst = PATIENT_LABELS[int(steps.argmax())] if _is_patient(layer) else "one axis"
            said.append(
                f"{size} voxels exceed the {texture_limit()} of this GPU: shown coarsened, "
                f"one voxel in {int(steps.max())} along {worst}."
            )
        unit = layer.metadata.get("value_unit")
        if any(each.scale == "HU" for each in self._offered) and unit != "HU":
            said.append("Its values have no unit: Bone, Lungs and the like take them for HU.")
        if not _is_patient(layer):
            said.append("Its axes are not known to be the patient's: the views are along its own.")
        elif _is_oblique(layer):
            said.append("It is oblique and drawn straight: the views are along its own axes.")
        return " ".join(said) or f"{size} voxels."

    def _is_coarse(self) -> bool:
        layer = self.layer.value
        return layer is not None and bool((drawn_step(layer) > 1).any())

    def _on_preset(self, n: int, *_: Any) -> None:
        layer, viewer = self.layer.value, self._viewer_of()
        if self._is_filling or self._work is not None or layer is None or viewer is None:
            return
        preset = self._offered[n]
        self.message.value = ""
        if not must_read(layer, viewer):
            self._studio.render(layer, preset)
            return
        studio, name = self._studio, layer.name

        def shown(_: Any) -> str:
            if layer not in viewer.layers:
                return f"{name} is gone."
            studio.render(layer, preset)
            return f"{name} was read into memory."

        self._begin(load(layer, viewer), shown)

    def _on_view(self, name: str, *_: Any) -> None:
        layer = self.layer.value
        if layer is not None:
            self._studio.look_from(name, layer)

    def _on_crop(self, *_: Any) -> None:
        layer = self.layer.value
        if self._is_filling or layer is None:
            return
        whole = whole_box(layer)
        box = np.full((3, 2), [-math.inf, math.inf])
        for n, slider in enumerate(self.crop):
            start, end = slider.value
            if start > slider.min:
                box[n, 0] = whole[n, 0] + start
            if end < slider.max:
                box[n, 1] = whole[n, 0] + end
        layers = self._targets()
        with self._studio.step(layers, ("crop", *map(id, layers))):
            for each in layers:
                cut(each, box)

    def _on_reset(self) -> None:
        layers = [each for each in self._targets() if each.experimental_clipping_planes]
        if layers:
            with self._studio.step(layers):
                for each in layers:
                    each.experimental_clipping_planes = None

    def _on_back(self) -> None:
        self.message.value = ""
        self._studio.back()

    def _targets(self) -> list[Layer]:
        """Return the chosen layer, and all selected ones that can be cut like it."""
        viewer = self._viewer_of()
        chosen = self.layer.value
        if viewer is None or chosen is None:
            return []
        selected = viewer.layers.selection
        return [
            each
            for each in viewer.layers
            if each is chosen or (each in selected and is_volume(each))
        ]

    def _start(self) -> None:
        """Resample a copy that the GPU can show whole."""
        layer, viewer = self.layer.value, self._viewer_of()
        limit = texture_limit()
        if layer is None or viewer is None or limit is None or self._work is not None:
            return
        try:
            planned = plan(layer, viewer, spacing=_fitting(layer, limit))
            work = work_on(viewer, planned, smooth=True)
        except MedReadError as error:
            self.message.value = str(error)
            show_error(str(error))
            return
        preset = next((each for each in self._offered if is_by(layer, each)), None)
        self._begin(work, partial(self._said_of_copy, layer, preset))

    def _said_of_copy(self, source: Layer, preset: Preset | None, volume: Any) -> str:
        """Show the copy instead of its source, as its source was shown."""
        viewer = self._viewer_of()
        copy = None if viewer is None else viewer.layers.selection.active
        if copy is None or copy.data is not volume.data:
            return f"{volume.name} was added."
        studio = self._studio
        studio.inherit(copy, source)
        with studio.step([source]):
            source.visible = False
        self.layer.value = copy
        if preset is not None:
            studio.render(copy, preset)
        return f"{volume.name} was added, and {source.name} hidden."


_OURS = ("translucent", "additive", "iso", "mip", "minip", "attenuated_mip", "average")
"""Ways of rendering that images have and labels do not."""

_FROM = {
    "Anterior": "the front, head up",
    "Posterior": "behind, head up",
    "Left": "the patient's left, head up",
    "Right": "the patient's right, head up",
    "Superior": "above, front up",
    "Inferior": "below, front up, as axial slices are",
}


def _grid(widgets: Sequence[Any], columns: int = _COLUMNS) -> list[Any]:
    """Return rows of buttons of one width."""
    rows = []
    for first in range(0, len(widgets), columns):
        line: Any = Container(
            widgets=widgets[first : first + columns], layout="horizontal", labels=False
        )
        line.margins = (0, 0, 0, 0)
        rows.append(line)
    return rows


def _fitting(layer: Layer, limit: int) -> list[float]:
    """Return the finest spacing in mm along the last three axes that the GPU takes."""
    geometry = volume_of_layer(layer).volume.geometry
    spacing = [1.0] * 3 if geometry is None else list(geometry.spacing)
    return [
        step * max(1.0, length / limit)
        for step, length in zip(spacing, spatial_shape(layer), strict=True)
    ]


def _is_patient(layer: Layer) -> bool:
    return tuple(layer.axis_labels[-3:]) == PATIENT_LABELS


def _is_oblique(layer: Layer) -> bool:
    affine = np.asarray(layer.metadata.get("patient_affine", np.eye(4)), float)
    columns = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool((np.abs(columns).max(axis=0) < _STRAIGHT).any())
