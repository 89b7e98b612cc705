"""The widget for window and level."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from magicgui.widgets import CheckBox, Label, PushButton
from napari.layers import Image, Layer

from napari_medread.core.progress import Track
from napari_medread.core.volume import Window
from napari_medread.core.windows import (
    Limits,
    is_assumed,
    least_width,
)
from napari_medread.plugin.dragging import RightDrag
from napari_medread.plugin.preferences import preference
from napari_medread.plugin.viewers import unwrapped
from napari_medread.plugin.widgets.controls import row
from napari_medread.plugin.widgets.panel import Panel
from napari_medread.plugin.widgets.windowparts import (
    in_a_row,
    number_box,
    show_all,
    show_number,
    window_list,
)
from napari_medread.plugin.windowing import (
    History,
    Look,
    full_range,
    function_of_layer,
    inverted,
    is_grey,
    is_inverted,
    is_whole,
    linked,
    look_of,
    looks_of,
    offers,
    opened_look,
    percentiles,
    set_limits,
    set_window,
    show,
    unit_of,
    window_of_layer,
)
from napari_medread.plugin.work import Work

_SAME = 1e-6
"""Windows that differ by less than this share of their width are the same."""


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
        self._offered: tuple[Any, ...] = ()
        viewer_of = self._viewer_of
        self._history = History(
            self._weakly(WindowLevel._refresh),
            lambda layer: (viewer := viewer_of()) is not None and layer in viewer.layers,
        )
        this = weakref.ref(self)
        self._drag = RightDrag(lambda: [] if (panel := this()) is None else panel._dragged(),
                               self._history)  # fmt: skip
        self.windows = window_list(self._choices)
        self.heading = Label(value="Windows, by width / center")
        self.window_width = number_box("How many values lie between black and white.")
        self.window_center = number_box("The value shown as middle grey. Also called level.")
        self.lower = number_box("This value and all below it are drawn black.")
        self.upper = number_box("This value and all above it are drawn white.")
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
                row(Label(value="Width"), self.window_width),
                row(Label(value="Center"), self.window_center),
                row(Label(value="Lower"), self.lower),
                row(Label(value="Upper"), self.upper),
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
        for box in (self.window_width, self.window_center, self.lower, self.upper):
            box.changed.connect(partial(self._on_number, box))
        self.as_opened.changed.connect(self._on_as_opened)
        self.percentiles.changed.connect(partial(self._measure, percentiles))
        self.inverted.changed.connect(self._on_inverted)
        self.right_drag.changed.connect(self._on_right_drag)
        self.back.changed.connect(self._history.back)
        self.forward.changed.connect(self._history.forward)
        viewer.layers.selection.events.changed.connect(self._on_selected)
        viewer.dims.events.ndisplay.connect(self._on_moved)
        self._drag.on = self.right_drag.value
        viewer.mouse_drag_callbacks.append(self._drag)
        weakref.finalize(self, _remove, self._viewer_of, self._drag).atexit = False

    def _layers(self, *_: Any) -> list[Layer]:
        return [each for each in super()._layers() if isinstance(each, Image)]

    def _shared(self) -> list[Any]:
        """Return what stands below: "Full range" has its place beside its like."""
        return [self.outcome, self.progress, self.cancel, self.message]

    def _show_running(self, *, running: bool) -> None:
        super()._show_running(running=running)
        self.run.visible = True
        self._enable()

    def _choices(self, *_: Any) -> list[tuple[str, int]]:
        return [(text, n) for n, (text, _) in enumerate(self._offered)]

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
            if is_grey(layer):
                self._fill(layer)
            else:
                self._offer(())
            self.outcome.value = self._outcome()
            self._enable()
        finally:
            self._is_filling = False

    def _refresh(self) -> None:
        """Show what has changed, and clear what was said."""
        self.message.value = ""
        self._prefill()

    def _fill(self, layer: Image) -> None:
        """Show the numbers of a layer, with its unit and as many digits as they need."""
        center, width = window_of_layer(layer)
        low, high = layer.contrast_limits
        self.window_width.min = min(
            least_width(function_of_layer(layer), whole=is_whole(layer)), width
        )
        for box, value in ((self.window_width, width), (self.window_center, center),
                           (self.lower, low), (self.upper, high)):  # fmt: skip
            show_number(box, value, width, layer)
        self.inverted.value = is_inverted(layer.colormap)
        offered = offers(layer)
        if offered != self._offered:
            self._offer(offered)
        same = [
            n for n, (_, (at, span, _)) in enumerate(offered)
            if abs(at - center) <= _SAME * width and abs(span - width) <= _SAME * width
        ]  # fmt: skip
        if not set(self.windows.value) & set(same) or not same:
            self.windows.value = same[:1]

    def _offer(self, offered: tuple[tuple[str, Window], ...]) -> None:
        """List windows, all of them to be seen at once."""
        self._offered = offered
        self.windows.reset_choices()
        self.windows.visible = self.heading.visible = bool(offered)
        show_all(self.windows)

    def _outcome(self) -> str:
        """Say what a change is for, and what may be unexpected."""
        layer = self.layer.value
        if layer is None:
            return "Open an image first."
        if layer.rgb:
            return f"{layer.name}: a colour picture has no window."
        said = []
        targets, left = linked(layer, self._selected())
        if len(targets) > 1:
            said.append(f"Set for {len(targets)} selected layers.")
        if left:
            names = ", ".join(each.name for each in left)
            said.append(f"Left alone, as its values have another unit: {names}.")
        if is_assumed(str(layer.metadata.get("modality", "")), unit_of(layer)):
            said.append("Nothing says that the values are HU: the CT windows may not fit.")
        viewer = self._viewer_of()
        if self.right_drag.value and viewer is not None and viewer.dims.ndisplay == 3:
            said.append("In 3D the right button zooms.")
        return "\n".join(said)

    def _enable(self) -> None:
        """Enable what can be done now."""
        can, is_busy = is_grey(self.layer.value), self._work is not None
        for each in (self.windows, self.window_width, self.window_center, self.lower, self.upper,
                     self.as_opened, self.inverted):  # fmt: skip
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

    def _on_window(self, chosen: Sequence[int]) -> None:
        if self._is_filling or not chosen:
            return
        _, (center, width, _) = self._offered[chosen[0]]
        self._change(lambda layer: set_window(layer, center, width))

    def _on_number(self, box: Any, value: float) -> None:
        layer = self.layer.value
        if self._is_filling or not is_grey(layer):
            return
        # What was not edited is not rounded to what is shown.
        center, width = window_of_layer(layer)
        low, high = layer.contrast_limits
        if box is self.window_width or box is self.window_center:
            center, width = (center, value) if box is self.window_width else (value, width)
            self._change(lambda layer: set_window(layer, center, width))
            return
        low, high = (value, high) if box is self.lower else (low, value)
        if low < high:
            self._change(lambda layer: set_limits(layer, (low, high)))
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
        self, find: Callable[[Sequence[Image]], Callable[[Track], list[Limits | None]]]
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
        self._begin(work, _said_of)

    def _set_found(self, refs: Sequence[weakref.ref[Image]], found: Sequence[Any]) -> None:
        both = [(layer, limits) for ref, limits in zip(refs, found, strict=True)
                if (layer := ref()) is not None and limits is not None]  # fmt: skip
        before = looks_of(layer for layer, _ in both)
        for layer, limits in both:
            set_limits(layer, limits)
        self._history.record(before)


def _said_of(found: Sequence[Any]) -> str:
    return "" if all(found) else "There are no values in it that could be shown."


def _remove(viewer_of: weakref.ref[Any], drag: RightDrag) -> None:
    viewer = viewer_of()
    if viewer is not None and drag in viewer.mouse_drag_callbacks:
        viewer.mouse_drag_callbacks.remove(drag)
