"""The widget that renders a volume by presets, turns it, and cuts it to a box."""

from __future__ import annotations

import weakref
from typing import Any

from magicgui.widgets import Container, Label, PushButton
from napari.layers import Layer
from napari.utils.notifications import show_error

from napari_medread.core.rendering_presets import Preset
from napari_medread.errors import MedReadError
from napari_medread.plugin.gui.button_rows import Buttons, in_a_row
from napari_medread.plugin.gui.controls import row
from napari_medread.plugin.gui.panel import Panel
from napari_medread.plugin.gui.viewer_references import open_viewer
from napari_medread.plugin.rendering.camera_views import VIEWS
from napari_medread.plugin.rendering.clipping_box import box_of, cut, is_volume, whole_box
from napari_medread.plugin.rendering.crop_box_controls import CropBox
from napari_medread.plugin.rendering.lazy_loading import load, must_read
from napari_medread.plugin.rendering.renderable_layers import (
    copy_that_fits,
    is_coarse,
    is_renderable,
    offered_for,
    said_of,
    worn,
)
from napari_medread.plugin.rendering.rendering_session import studio_of
from napari_medread.plugin.rendering.transfer_function_legend import Legend
from napari_medread.plugin.resample.layer_resampling import work_on
from napari_medread.plugin.window_level.layer_windows import unit_of

_COLUMNS = 3
"""Buttons in a row."""

_MOST = 12
"""Presets that are offered for a layer at most."""

_WIDTH = 330
"""In pixels: below it the title of the panel is cut off."""

_FROM = {
    "Anterior": "the front, head up",
    "Posterior": "behind, head up",
    "Left": "the patient's left, head up",
    "Right": "the patient's right, head up",
    "Superior": "above, front up",
    "Inferior": "below, front up, as axial slices are",
}


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
        self.presets = Buttons(_MOST, _COLUMNS, choice=True)
        self.presets.clicked.connect(self._on_preset)
        self.legend = Legend()
        self.views = Buttons(len(VIEWS), _COLUMNS)
        self.views.offer(
            [(name, f"Shows the patient in 3D as seen from {_FROM[name]}.") for name in VIEWS]
        )
        self.views.clicked.connect(self._on_view)
        self.crop = CropBox()
        self.crop.changed.connect(self._on_crop)
        self.reset = PushButton(
            text="Reset crop", tooltip="Shows this and all selected volumes whole again."
        )
        self.reset.changed.connect(self._on_reset)
        self.back = PushButton(
            text="Back",
            tooltip="Takes the last preset, crop or copy back: colours, limits, rendering,\n"
            "camera, and whether slices were shown. Can be pressed several times.",
        )
        self.back.changed.connect(self._on_back)
        self._lay_out(
            [
                row(Label(value="Layer"), self.layer),
                _holding(self.presets, self.legend),
                Label(value="Seen from"),
                _holding(self.views),
                Label(value="Crop"),
                _holding(self.crop),
                in_a_row(self.reset, self.back),
            ]
        )
        self.min_width = _WIDTH

    def _layers(self, *_: Any) -> list[Layer]:
        return [each for each in super()._layers() if is_renderable(each)]

    def _show_running(self, *, running: bool) -> None:
        super()._show_running(running=running)
        layer = self.layer.value
        self.run.visible = not running and layer is not None and is_coarse(layer)
        can = not running and layer is not None
        for native in (self.presets, self.views, self.crop):
            native.setEnabled(can)
        self.reset.enabled = can
        self.back.enabled = not running and self._studio.can_go_back

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
            self._offered = offered_for(layer)
            self.presets.offer([(each.name, each.what) for each in self._offered])
            self._show_worn(layer)
            if layer is not None:
                self.crop.show_box(whole_box(layer), box_of(layer))
            self._show_running(running=self._work is not None)
            self.outcome.value = said_of(layer, self._viewer_of())
        finally:
            self._is_filling = False

    def _show_worn(self, layer: Any) -> None:
        """Show which preset a layer wears, and what it makes of which value."""
        chosen = None if layer is None else worn(layer, self._offered)
        self.presets.press(chosen)
        if chosen is None:
            self.legend.show_transfer(None)
            return
        low, high = layer.contrast_limits
        unit = unit_of(layer)
        ends = (f"{low:.4g} {unit}".strip(), f"{high:.4g} {unit}".strip())
        self.legend.show_transfer(self._offered[chosen].transfer(1.0), ends)

    def _on_preset(self, n: int) -> None:
        layer, viewer = self.layer.value, self._viewer_of()
        if self._work is not None or layer is None or viewer is None:
            return
        preset = self._offered[n]
        self.message.value = ""
        if not must_read(layer, viewer):
            try:
                self._studio.render(layer, preset)
            except MedReadError as error:
                self.presets.press(worn(layer, self._offered))
                self.message.value = str(error)
            return
        self.presets.press(worn(layer, self._offered))  # until it is read
        studio, name, layer_of = self._studio, layer.name, weakref.ref(layer)
        viewer_of = self._viewer_of

        def shown(_: Any) -> str:
            found, there = layer_of(), open_viewer(viewer_of)
            if there is None or found is None or found not in there.layers:
                return f"{name} is gone."
            try:
                studio.render(found, preset)
            except MedReadError as error:
                return str(error)
            return f"{found.name} was read into memory."

        self._begin(load(layer, viewer), shown)

    def _on_view(self, n: int) -> None:
        if self.layer.value is not None:
            self._studio.look_from(list(VIEWS)[n])

    def _on_crop(self) -> None:
        layer = self.layer.value
        if self._is_filling or layer is None:
            return
        box, layers = self.crop.box(whole_box(layer)), self._targets()
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
        layers = [each for each in self._studio.back() if each in self.layer.choices]
        if layers and self.layer.value not in layers:
            self.layer.value = layers[0]

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
        if layer is None or viewer is None or self._work is not None:
            return
        try:
            work = work_on(viewer, copy_that_fits(layer, viewer), smooth=True)
        except MedReadError as error:
            self.message.value = str(error)
            show_error(str(error))
            return
        chosen, layer_of = worn(layer, self._offered), weakref.ref(layer)
        preset = None if chosen is None else self._offered[chosen]
        this = weakref.ref(self)  # which work would keep alive

        def shown(volume: Any) -> str:
            panel = this()
            return "" if panel is None else panel._show_copy(layer_of(), preset, volume)

        self._begin(work, shown)

    def _show_copy(self, source: Layer | None, preset: Preset | None, volume: Any) -> str:
        """Show the copy instead of its source, as its source was shown, and say so."""
        viewer = self._viewer_of()
        copy = None if viewer is None else viewer.layers.selection.active
        if viewer is None or copy is None or copy.data is not volume.data:
            return f"{volume.name} was added."
        self.layer.value = copy
        if source is None or source not in viewer.layers:
            return f"{volume.name} was added."
        self._studio.replace(source, copy, preset)
        return f"{volume.name} was added, and {source.name} hidden."


def _holding(*natives: Any) -> Any:
    """Return a row that holds Qt's own widgets."""
    found: Any = Container(widgets=[], labels=False)
    found.margins = (0, 0, 0, 0)
    for native in natives:
        found.native.layout().addWidget(native)
    return found
