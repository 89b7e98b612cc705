"""The panel that makes a grey layer of a colour layer."""

from __future__ import annotations

import weakref
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Label, PushButton
from napari.layers import Image, Layer

from napari_medread.core.grayscale_conversion import MEAN, REC_601, REC_709
from napari_medread.core.size_text import format_size
from napari_medread.plugin.bridge.layer_metadata import get_record
from napari_medread.plugin.bridge.volume_to_layer import LayerData
from napari_medread.plugin.grayscale.layer_grayscale import (
    describe_unsuitable_layer,
    make_grayscale_task,
)
from napari_medread.plugin.grayscale.side_by_side import SideBySideView, get_grid_events
from napari_medread.plugin.gui.controls import make_labelled_row
from napari_medread.plugin.gui.layer_panel import LayerPanel
from napari_medread.plugin.gui.preferences import get_preference
from napari_medread.plugin.gui.viewer_references import get_open_viewer

_CONVERSIONS = [
    ("mean of red, green, blue", MEAN),
    ("luma of Rec. 601", REC_601),
    ("luma of Rec. 709", REC_709),
]


class GrayscalePanel(LayerPanel):
    """Make a grey layer of a colour picture, stack or volume.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer whose layers are offered. Neither it nor its layers are kept alive.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            napari_viewer,
            layer="The colour layer to make grey.",
            run=PushButton(
                text="Make grey",
                tooltip="Adds a grey copy above the colour layer, which is not changed.",
            ),
            cancel="Stops the conversion. No layer is added.",
        )
        self._pair: tuple[weakref.ref[Layer], weakref.ref[Layer]] | None = None
        self._before: SideBySideView | None = None
        self.luma: Any = ComboBox(
            choices=_CONVERSIONS,
            value=get_preference("grey", "luma"),
            tooltip="The weights of red, green and blue. Alpha is ignored. Set the default under\n"
            "File > Preferences > Medical images.",
        )
        self.side_by_side = CheckBox(
            text="Colour and grey side by side",
            tooltip="Shows only these two, side by side in napari's grid.\n"
            "Untick or close the panel to restore the previous view.",
        )
        self.side_by_side.changed.connect(self._on_side_by_side)
        self._lay_out(
            [
                make_labelled_row(Label(value="Layer"), self.layer),
                make_labelled_row(Label(value="Grey"), self.luma),
                self.side_by_side,
            ]
        )

    def _layer_choices(self, *_: Any) -> list[Layer]:
        return [each for each in super()._layer_choices() if isinstance(each, Image)]

    def _update_controls(self, *_: Any) -> None:
        if self._is_updating:
            return
        self._follow_layers()
        reason = describe_unsuitable_layer(self.layer.value)
        self.outcome.value = reason or _describe_outcome(self.layer.value)
        self.run.enabled = not reason
        if self._before is not None and not all(self._shown_pair()):
            self.side_by_side.value = False  # one of the two was removed

    def _on_run(self) -> None:
        layer, viewer = self.layer.value, self._viewer_ref()
        if viewer is None or self._task is not None or describe_unsuitable_layer(layer):
            return
        self.message.value = ""
        source = weakref.ref(layer)
        task = make_grayscale_task(viewer, layer, self.luma.value)
        task.returned.connect(
            self.while_open(lambda panel, made: panel._on_grey_layer_added(source))
        )
        self._start_task(task, _describe_result)

    def _on_grey_layer_added(self, source: weakref.ref[Layer]) -> None:
        """Remember the two layers, and show them side by side if that is ticked."""
        viewer, layer = self._viewer_ref(), source()
        if viewer is None or layer not in viewer.layers:
            return
        self._restore()
        self._pair = source, weakref.ref(viewer.layers.selection.active)
        if self.side_by_side.value:
            self._show_pair()

    def _shown_pair(self) -> list[Layer | None]:
        """Return the last pair of colour and grey layer; None for one no longer in the viewer."""
        viewer = self._viewer_ref()
        layers = [] if viewer is None else list(viewer.layers)
        pair = [each() for each in self._pair or ()]
        return [each if each in layers else None for each in pair] or [None]

    def _on_side_by_side(self, wanted: bool) -> None:
        self._restore()
        if wanted:
            self._show_pair()

    def _show_pair(self) -> None:
        viewer, pair = self._viewer_ref(), self._shown_pair()
        if viewer is None or not all(pair):
            return
        self._before = SideBySideView(viewer, pair)
        for event in get_grid_events(viewer):
            event.connect(self._on_grid)

    def _restore(self) -> None:
        before, self._before = self._before, None
        viewer = get_open_viewer(self._viewer_ref)
        if before is not None and viewer is not None:
            for event in get_grid_events(viewer):
                event.disconnect(self._on_grid)
            before.restore(viewer)

    def _on_grid(self, event: Any = None) -> None:
        """Untick when the user changes the grid, which then no longer shows the pair."""
        del event
        if not self.is_closed:
            self.side_by_side.value = False

    def _on_close(self) -> None:
        """Restore the previous view."""
        super()._on_close()
        self._restore()


def _describe_outcome(layer: Image) -> str:
    size = format_size(layer.data.shape[: layer.ndim], get_record(layer).slice_axis or 0)
    return f"Result: {size}, {layer.dtype}, in the same place."


def _describe_result(made: LayerData) -> str:
    _, attributes, _ = made
    return f"Added {attributes['name']}. {attributes['metadata']['notes'][-1]}"
