"""The widget for window and level: what it acts on, and what its controls do."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from magicgui.widgets import CheckBox, Label, PushButton
from napari.layers import Image, Layer

from napari_medread.core.progress import Progress
from napari_medread.core.window_presets import Limits
from napari_medread.plugin.gui.background_work import Work, cancel_without
from napari_medread.plugin.gui.button_rows import in_a_row
from napari_medread.plugin.gui.controls import row
from napari_medread.plugin.gui.panel import Panel
from napari_medread.plugin.gui.preferences import preference
from napari_medread.plugin.gui.viewer_references import unwrapped
from napari_medread.plugin.window_level.layer_windows import (
    Number,
    full_range,
    inverted,
    is_grey,
    is_inverted,
    linked,
    opened_look,
    percentiles,
    said_of,
    set_window,
    setting,
)
from napari_medread.plugin.window_level.window_controls import Numbers, WindowList
from napari_medread.plugin.window_level.window_drag import RightDrag, attach
from napari_medread.plugin.window_level.window_history import (
    History,
    Look,
    look_of,
    looks_of,
    set_limits,
    show,
)

_NO_VALUES = "There are no values in it that could be shown."


class WindowLevel(Panel):
    """Sets the window of an image layer: by presets, numbers, its values, or the mouse.

    It follows the selection. What is set is set for all selected images of one unit, and can be
    taken back.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers to look at. It is not kept alive, and neither are they.
    """

    _followed = ("data", "name", "contrast_limits", "colormap", "visible")

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            napari_viewer,
            layer="The image whose window is shown. It follows the selection in the layer list.",
            run=PushButton(
                text="Full range",
                tooltip="From the smallest to the largest value of all there is, not of this\n"
                "slice alone. Of several layers, each gets its own.",
            ),
            cancel="Stops reading the values. The window stays as it is.",
        )
        self._opened: weakref.WeakKeyDictionary[Layer, Look] = weakref.WeakKeyDictionary()
        viewer_of = self._viewer_of
        self._history = History(
            self._weakly(WindowLevel._refresh),
            lambda layer: (viewer := viewer_of()) is not None and layer in viewer.layers,
        )
        this = weakref.ref(self)
        self._drag = RightDrag(lambda: [] if (panel := this()) is None else panel._dragged(),
                               self._history)  # fmt: skip
        self.windows = WindowList()
        self.heading = Label(value="Windows, by width / center")
        self.numbers = Numbers(self._weakly(WindowLevel._on_number))
        self.as_opened = PushButton(
            text="As opened",
            tooltip="Window and colours as the file was opened; of a layer from elsewhere,\n"
            "as it was when this widget first saw it.",
        )
        self.percentiles = PushButton(
            text="1 to 99 %",
            tooltip="From the 1st to the 99th percentile of a sample of all values.\n"
            "Of several layers, each gets its own.",
        )
        self.inverted = CheckBox(
            text="Inverted",
            tooltip="High values dark: reverses the colours, never the values. Images that are\n"
            "stored for it, as many X-rays are (MONOCHROME1), come with this ticked.",
        )
        self.right_drag = CheckBox(
            value=bool(preference("windowing", "right_drag")),
            text="Right button drags the window",
            tooltip="Drag on the image with the right mouse button: to the right is wider, up is\n"
            "brighter. Without the tick, in 3D, and where no image is selected, napari\n"
            "zooms with that button.",
        )
        self.back = PushButton(text="Back", tooltip="Takes the last change of a window back.")
        self.forward = PushButton(
            text="Forward", tooltip="Makes the change again that was taken back."
        )
        self._lay_out(
            [
                row(Label(value="Layer"), self.layer),
                self.heading,
                self.windows,
                self.numbers,
                in_a_row(self.as_opened, self.run, self.percentiles),
                self.inverted,
                self.right_drag,
                in_a_row(self.back, self.forward),
            ]
        )
        self._connect(napari_viewer)
        self._on_selected()

    def _connect(self, viewer: Any) -> None:
        """Listen to the controls, and to what is selected in the viewer."""
        viewer = unwrapped(viewer)
        self.layer.changed.connect(self._on_chosen)
        self.windows.changed.connect(self._on_window)
        # The one that is marked can be clicked too: other selected layers may have another.
        self.windows.native.itemClicked.connect(self._on_window)
        self.as_opened.changed.connect(self._on_as_opened)
        self.percentiles.changed.connect(partial(self._measure, percentiles))
        self.inverted.changed.connect(self._on_inverted)
        self.right_drag.changed.connect(self._on_right_drag)
        self.back.changed.connect(self._history.back)
        self.forward.changed.connect(self._history.forward)
        viewer.layers.selection.events.changed.connect(self._on_selected)
        viewer.dims.events.ndisplay.connect(self._on_moved)
        self._drag.on = self.right_drag.value
        attach(self._drag, viewer, self)

    def _layers(self, *_: Any) -> list[Layer]:
        return [each for each in super()._layers() if isinstance(each, Image)]

    def _shared(self) -> list[Any]:
        """Return what stands below: "Full range" has its place beside its like."""
        return [self.outcome, self.progress, self.cancel, self.message]

    def _show_running(self, *, running: bool) -> None:
        super()._show_running(running=running)
        self.run.visible = True
        self._enable()

    def _selected(self) -> list[Layer]:
        viewer = self._viewer_of()
        return [] if viewer is None else [e for e in viewer.layers if e in viewer.layers.selection]

    def _targets(self) -> list[Image]:
        """Return the layers whose window is set, the shown one first."""
        layer = self.layer.value
        return linked(layer, self._selected())[0] if is_grey(layer) else []

    def _dragged(self) -> list[Image]:
        """Return the layers that a drag on the canvas is for: they are selected and seen."""
        if self._is_closed():
            return []
        layer = self.layer.value
        if layer not in self._selected():
            return []
        is_free = layer.visible and layer.mode == "pan_zoom"
        return self._targets() if is_free else []

    def _is_closed(self) -> bool:
        """Tell whether nobody can see that the tick is set."""
        # napari takes what it closes out of its dock; who else holds it keeps it.
        return bool(self._is_gone) or (self.native.parent() is None and not self.native.isVisible())

    def _on_selected(self, event: Any = None) -> None:
        """Show an image that is selected, if there is one; else stay."""
        del event
        if self._is_gone:
            return
        images = [each for each in self._selected() if isinstance(each, Image)]
        choices = self.layer.choices
        if images and self.layer.value not in images and images[-1] in choices:
            self._is_filling = True
            self.layer.value = images[-1]
            self._is_filling = False
        self._prefill()

    def _on_chosen(self, layer: Layer | None) -> None:
        """Select the layer that was chosen here."""
        viewer = self._viewer_of()
        if self._is_filling or viewer is None or layer is None:
            return
        if layer not in viewer.layers.selection:
            viewer.layers.selection.active = layer

    def _prefill(self, *_: Any) -> None:
        """Show the chosen layer's window, and what can be set."""
        if self._is_filling or self._is_gone:
            return
        self._is_filling = True
        try:
            self._watch()
            layer = self.layer.value
            for each in self._layers():
                if is_grey(each) and each not in self._opened:
                    self._opened[each] = opened_look(each) or look_of(each)
            grey = layer if is_grey(layer) else None
            self.windows.show_for(grey)
            self.heading.visible = bool(self.windows.offered)
            if grey is not None:
                self.numbers.show_for(grey)
                self.inverted.value = is_inverted(grey.colormap)
            self.outcome.value = self._outcome()
            self._enable()
        finally:
            self._is_filling = False

    def _refresh(self) -> None:
        """Show what has changed, and clear what was said."""
        self.message.value = ""
        self._prefill()

    def _outcome(self) -> str:
        """Say what a change is for, and what may be unexpected."""
        said, viewer = said_of(self.layer.value, self._selected()), self._viewer_of()
        is_deep = viewer is not None and viewer.dims.ndisplay == 3
        if is_deep and self.right_drag.value and is_grey(self.layer.value):
            said = "\n".join([*filter(None, [said]), "In 3D the right button zooms."])
        return said

    def _enable(self) -> None:
        """Enable what can be done now."""
        can, is_busy = is_grey(self.layer.value), self._work is not None
        for each in (self.windows, self.numbers, self.as_opened, self.inverted):
            each.enabled = can
        self.run.enabled = self.percentiles.enabled = can and not is_busy
        self.back.enabled, self.forward.enabled = self._history.can_go()

    def _change(self, change: Callable[[Image], None]) -> None:
        """Do something to every layer concerned, as one step."""
        layers = self._targets()
        before = looks_of(layers)
        for layer in layers:
            change(layer)
        self._history.record(before)

    def _on_window(self, *_: Any) -> None:
        if self._is_filling or (window := self.windows.chosen()) is None:
            return
        center, width = window[:2]
        self._change(lambda layer: set_window(layer, center, width))

    def _on_number(self, number: Number, value: float) -> None:
        layer = self.layer.value
        if self._is_filling or not is_grey(layer):
            return
        change = setting(layer, number, value)
        if change is not None:
            self._change(change)
        else:
            self._refresh()
            self.message.value = "The lower value must be below the upper one."

    def _on_as_opened(self) -> None:
        self._change(lambda layer: show(layer, self._opened.get(layer) or look_of(layer)))

    def _on_inverted(self, wanted: bool) -> None:
        if self._is_filling:
            return

        def invert(layer: Image) -> None:
            if is_inverted(layer.colormap) != wanted:
                layer.colormap = inverted(layer.colormap)

        self._change(invert)

    def _on_right_drag(self, wanted: bool) -> None:
        self._drag.on = wanted
        self._prefill()

    def _start(self) -> None:
        self._measure(full_range)

    def _measure(
        self, find: Callable[[Sequence[Image]], Callable[[Progress], list[Limits | None]]]
    ) -> None:
        """Find limits in the values beside the window, and set them."""
        layers = self._targets()
        if not layers or self._work is not None:
            return
        self.message.value = ""
        refs = [weakref.ref(each) for each in layers]
        set_them = self._weakly(lambda panel, found: panel._set_found(refs, found))
        work = Work(find(layers))
        work.returned.connect(set_them)
        cancel_without(work, self._viewer_of(), layers)
        self._begin(work, lambda found: "" if all(found) else _NO_VALUES)

    def _set_found(self, refs: Sequence[weakref.ref[Image]], found: Sequence[Any]) -> None:
        both = [(layer, limits) for ref, limits in zip(refs, found, strict=True)
                if (layer := ref()) is not None and limits is not None]  # fmt: skip
        before = looks_of(layer for layer, _ in both)
        for layer, limits in both:
            set_limits(layer, limits)
        self._history.record(before)
