"""The panel "Window and level": which layers it acts on, and what its controls do."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from magicgui.widgets import CheckBox, Label, PushButton
from napari.layers import Image, Layer

from napari_medread.core.progress import Progress
from napari_medread.core.window_presets import Limits
from napari_medread.plugin.gui.background_task import BackgroundTask, cancel_when_removed
from napari_medread.plugin.gui.controls import make_labelled_row, make_row
from napari_medread.plugin.gui.layer_panel import LayerPanel
from napari_medread.plugin.gui.preferences import get_preference
from napari_medread.plugin.gui.viewer_references import unwrap_viewer
from napari_medread.plugin.window_level.colormap_inversion import (
    invert_colormap,
    is_inverted_colormap,
)
from napari_medread.plugin.window_level.layer_windows import (
    WindowNumber,
    describe_window_targets,
    find_window_targets,
    get_opened_state,
    has_display_window,
    make_full_range_finder,
    make_percentile_finder,
    make_window_setter,
    set_layer_window,
)
from napari_medread.plugin.window_level.window_controls import WindowList, WindowNumberBoxes
from napari_medread.plugin.window_level.window_drag import WindowDrag, attach_window_drag
from napari_medread.plugin.window_level.window_history import (
    WindowHistory,
    WindowState,
    apply_window_state,
    read_window_state,
    read_window_states,
    set_contrast_limits,
)

_NO_VALUES = "The layer has no finite values."


class WindowLevel(LayerPanel):
    """Sets the window of image layers: by presets, numbers, their values, or the mouse.

    It follows the selection. A change applies to all selected images of one unit, and can be
    undone.

    Parameters
    ----------
    napari_viewer : Viewer
        Its image layers are offered. Neither the viewer nor the layers are kept alive.
    """

    _followed_events = ("data", "name", "contrast_limits", "colormap", "visible")

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            napari_viewer,
            layer="The image whose window is shown. It follows the selection in the layer list.",
            run=PushButton(
                text="Full range",
                tooltip="From the lowest to the highest value of the whole layer, not just this\n"
                "slice. If several layers are selected, each gets its own range.",
            ),
            cancel="Stops reading the values. The window stays as it is.",
        )
        self._opened_states: weakref.WeakKeyDictionary[Layer, WindowState]
        self._opened_states = weakref.WeakKeyDictionary()
        viewer_ref = self._viewer_ref
        self._history = WindowHistory(
            self.while_open(WindowLevel._refresh),
            lambda layer: (viewer := viewer_ref()) is not None and layer in viewer.layers,
        )
        self_ref = weakref.ref(self)
        self._drag = WindowDrag(
            lambda: [] if (panel := self_ref()) is None else panel._find_drag_targets(),
            self._history,
        )
        self.windows = WindowList()
        self.heading = Label(value="Windows (width / center)")
        self.numbers = WindowNumberBoxes(self.while_open(WindowLevel._on_number))
        self.as_opened = PushButton(
            text="As opened",
            tooltip="Window and colours as the file was opened. For a layer that was not opened\n"
            "by this plugin: as it was when this panel first saw it.",
        )
        self.percentiles = PushButton(
            text="1 to 99 %",
            tooltip="From the 1st to the 99th percentile, from a sample of all values.\n"
            "If several layers are selected, each gets its own range.",
        )
        self.inverted = CheckBox(
            text="Inverted",
            tooltip="Shows high values dark: reverses the colours, never the values. PET and\n"
            "images stored this way (MONOCHROME1, as many X-rays are) open with this ticked.",
        )
        self.right_drag = CheckBox(
            value=bool(get_preference("windowing", "right_drag")),
            text="Right-button drag: width and center",
            tooltip="Drag on the image with the right mouse button: right for a wider window,\n"
            "up for a brighter image. In 3D, where no image is selected, and if this is not\n"
            "ticked, the right button zooms, as usual in napari.",
        )
        self.undo = PushButton(text="Undo", tooltip="Undoes the last change of a window.")
        self.redo = PushButton(text="Redo", tooltip="Makes the change again that was undone last.")
        self._lay_out(
            [
                make_labelled_row(Label(value="Layer"), self.layer),
                self.heading,
                self.windows,
                self.numbers,
                make_row(self.as_opened, self.run, self.percentiles),
                self.inverted,
                self.right_drag,
                make_row(self.undo, self.redo),
            ]
        )
        self._connect(napari_viewer)
        self._on_selected()

    def _connect(self, viewer: Any) -> None:
        """Connect the controls, and follow the selection of the viewer."""
        viewer = unwrap_viewer(viewer)
        self.layer.changed.connect(self._on_chosen)
        self.windows.changed.connect(self._on_window)
        # A click on the marked window counts too: other selected layers may have another one.
        self.windows.native.itemClicked.connect(self._on_window)
        self.as_opened.changed.connect(self._on_as_opened)
        self.percentiles.changed.connect(partial(self._measure, make_percentile_finder))
        self.inverted.changed.connect(self._on_inverted)
        self.right_drag.changed.connect(self._on_right_drag)
        self.undo.changed.connect(self._history.undo)
        self.redo.changed.connect(self._history.redo)
        viewer.layers.selection.events.changed.connect(self._on_selected)
        viewer.dims.events.ndisplay.connect(self._on_layer_changed)
        self._drag.is_on = self.right_drag.value
        attach_window_drag(self._drag, viewer, self)

    def _layer_choices(self, *_: Any) -> list[Layer]:
        return [layer for layer in super()._layer_choices() if isinstance(layer, Image)]

    def _common_controls(self) -> list[Any]:
        """Return the controls at the bottom; "Full range" stands beside similar buttons."""
        return [self.outcome, self.progress, self.cancel]

    def _show_running(self, *, running: bool) -> None:
        super()._show_running(running=running)
        self.run.visible = True
        self._enable()

    def _find_selected(self) -> list[Layer]:
        viewer = self._viewer_ref()
        if viewer is None:
            return []
        return [layer for layer in viewer.layers if layer in viewer.layers.selection]

    def _find_targets(self) -> list[Image]:
        """Return the layers whose window is set, the shown one first."""
        layer = self.layer.value
        if not has_display_window(layer):
            return []
        return find_window_targets(layer, self._find_selected())[0]

    def _find_drag_targets(self) -> list[Image]:
        """Return the layers that a drag on the canvas changes: selected, visible, not drawn on."""
        if self._is_hidden_for_good():
            return []
        layer = self.layer.value
        if layer not in self._find_selected():
            return []
        is_draggable = layer.visible and layer.mode == "pan_zoom"
        return self._find_targets() if is_draggable else []

    def _is_hidden_for_good(self) -> bool:
        """Return whether the user can no longer see that dragging is ticked."""
        # napari takes a closed panel out of its dock; other code may still hold the panel.
        return self.is_closed or (self.native.parent() is None and not self.native.isVisible())

    def _on_selected(self, event: Any = None) -> None:
        """Show a selected image if there is one; otherwise keep the present one."""
        del event
        if self.is_closed:
            return
        images = [layer for layer in self._find_selected() if isinstance(layer, Image)]
        choices = self.layer.choices
        if images and self.layer.value not in images and images[-1] in choices:
            self._is_updating = True
            self.layer.value = images[-1]
            self._is_updating = False
        self._update_controls()

    def _on_chosen(self, layer: Layer | None) -> None:
        """Select the layer in the viewer that was chosen in the panel."""
        viewer = self._viewer_ref()
        if self._is_updating or viewer is None or layer is None:
            return
        if layer not in viewer.layers.selection:
            viewer.layers.selection.active = layer

    def _update_controls(self, *_: Any) -> None:
        """Show the chosen layer's window, and enable what can be done."""
        if self._is_updating or self.is_closed:
            return
        self._is_updating = True
        try:
            self._follow_layers()
            layer = self.layer.value
            for image in self._layer_choices():
                if has_display_window(image) and image not in self._opened_states:
                    self._opened_states[image] = get_opened_state(image) or read_window_state(image)
            image = layer if has_display_window(layer) else None
            self.windows.show_windows_for(image)
            self.heading.visible = bool(self.windows.offered)
            if image is not None:
                self.numbers.show_numbers_of(image)
                self.inverted.value = is_inverted_colormap(image.colormap)
            self.outcome.value = self._describe_targets()
            self._enable()
        finally:
            self._is_updating = False

    def _refresh(self) -> None:
        """Show what has changed, and clear the message."""
        self.message.value = ""
        self._update_controls()

    def _describe_targets(self) -> str:
        """Return sentences on what a change applies to, and on what the user may not expect."""
        viewer = self._viewer_ref()
        sentences = describe_window_targets(self.layer.value, self._find_selected())
        is_3d = viewer is not None and viewer.dims.ndisplay == 3
        if is_3d and self.right_drag.value and has_display_window(self.layer.value):
            sentences = "\n".join([*filter(None, [sentences]), "In 3D, the right button zooms."])
        return sentences

    def _enable(self) -> None:
        """Enable the controls that can be used now."""
        has_window, is_busy = has_display_window(self.layer.value), self._task is not None
        for control in (self.windows, self.numbers, self.as_opened, self.inverted):
            control.enabled = has_window
        self.run.enabled = self.percentiles.enabled = has_window and not is_busy
        self.undo.enabled, self.redo.enabled = self._history.can_undo, self._history.can_redo

    def _change(self, change: Callable[[Image], None]) -> None:
        """Apply a change to all targets, as one undo step."""
        layers = self._find_targets()
        before = read_window_states(layers)
        for layer in layers:
            change(layer)
        self._history.record(before)

    def _on_window(self, *_: Any) -> None:
        if self._is_updating or (window := self.windows.get_marked_window()) is None:
            return
        center, width = window[:2]
        self._change(lambda layer: set_layer_window(layer, center, width))

    def _on_number(self, number: WindowNumber, value: float) -> None:
        layer = self.layer.value
        if self._is_updating or not has_display_window(layer):
            return
        change = make_window_setter(layer, number, value)
        if change is not None:
            self._change(change)
        else:
            self._refresh()
            self.message.value = "The lower value must be below the upper one."

    def _on_as_opened(self) -> None:
        self._change(
            lambda layer: apply_window_state(
                layer, self._opened_states.get(layer) or read_window_state(layer)
            )
        )

    def _on_inverted(self, wanted: bool) -> None:
        if self._is_updating:
            return

        def invert(layer: Image) -> None:
            if is_inverted_colormap(layer.colormap) != wanted:
                layer.colormap = invert_colormap(layer.colormap)

        self._change(invert)

    def _on_right_drag(self, wanted: bool) -> None:
        self._drag.is_on = wanted
        self._update_controls()

    def _on_run(self) -> None:
        self._measure(make_full_range_finder)

    def _measure(
        self, make_finder: Callable[[Sequence[Image]], Callable[[Progress], list[Limits | None]]]
    ) -> None:
        """Find limits from the values of the targets in the background, and set them."""
        layers = self._find_targets()
        if not layers or self._task is not None:
            return
        self.message.value = ""
        layer_refs = [weakref.ref(layer) for layer in layers]
        set_limits = self.while_open(lambda panel, limits: panel._set_limits(layer_refs, limits))
        work = BackgroundTask(make_finder(layers))
        work.returned.connect(set_limits)
        cancel_when_removed(work, self._viewer_ref(), layers)
        self._start_task(work, lambda limits: "" if all(limits) else _NO_VALUES)

    def _set_limits(
        self, layer_refs: Sequence[weakref.ref[Image]], all_limits: Sequence[Limits | None]
    ) -> None:
        """Set each layer that still exists to its limits, as one undo step."""
        measured = [
            (layer, limits)
            for layer_ref, limits in zip(layer_refs, all_limits, strict=True)
            if (layer := layer_ref()) is not None and limits is not None
        ]
        before = read_window_states(layer for layer, _ in measured)
        for layer, limits in measured:
            set_contrast_limits(layer, limits)
        self._history.record(before)
