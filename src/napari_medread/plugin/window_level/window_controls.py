"""The controls of the widget for window and level: the list of windows, and exact numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from magicgui.widgets import Container, FloatSpinBox, Label, Select
from napari.layers import Image
from qtpy.QtWidgets import QAbstractItemView

from napari_medread.core.volume import Window
from napari_medread.core.window_presets import decimals_of, least_width, step_of
from napari_medread.plugin.gui.controls import row
from napari_medread.plugin.window_level.layer_windows import (
    Number,
    function_of_layer,
    is_whole,
    numbers_of,
    offers,
    same_as,
    unit_of,
)

_FARTHEST = sys.float_info.max
"""No number of a window is larger: images hold fill values as large as their type takes."""

_MOST = 16
"""So many windows are seen at once; further ones are scrolled to."""

_TOOLTIPS: dict[Number, str] = {
    "width": "How many values lie between black and white.",
    "center": "The value shown as middle grey. Also called level.",
    "lower": "This value and all below it are drawn black.",
    "upper": "This value and all above it are drawn white.",
}


class WindowList(Select):
    """The windows that are offered for a layer; one click chooses one."""

    def __init__(self) -> None:
        self.offered: tuple[tuple[str, Window], ...] = ()
        super().__init__(
            choices=lambda _: [(text, n) for n, (text, _) in enumerate(self.offered)],
            tooltip="The file's own windows, and the usual ones for such values:\n"
            "name, width and center. A click shows the image through it.",
        )
        self.native.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.native.setSpacing(2)

    def show_for(self, layer: Image | None) -> None:
        """Offer the windows that fit a layer, and mark the one that it is looked at through."""
        offered = () if layer is None else offers(layer)
        if offered != self.offered or layer is None:
            self.offered = offered
            self.reset_choices()
            self.visible = bool(offered)
            self._show_all()
        same = [] if layer is None else same_as(layer, offered)
        if not set(self.value) & set(same) or not same:
            self.value = same[:1]

    def chosen(self) -> Window | None:
        """Return the window that is marked."""
        return self.offered[self.value[0]][1] if self.value else None

    def _show_all(self) -> None:
        """Be as high as what is in it."""
        native = self.native
        height = native.sizeHintForRow(0) + 2 * native.spacing()
        native.setFixedHeight(height * min(native.count(), _MOST) + 2 * native.frameWidth())


class Numbers(Container[Any]):
    """Width, center, lower and upper value of a window, in the unit of a layer.

    Parameters
    ----------
    edited : callable
        Called with which number was typed, and the number.
    """

    def __init__(self, edited: Callable[[Number, float], None]) -> None:
        self.boxes = {name: _number_box(tooltip) for name, tooltip in _TOOLTIPS.items()}
        rows = [row(Label(value=name.capitalize()), box) for name, box in self.boxes.items()]
        super().__init__(widgets=rows, labels=False)
        self.margins = (0, 0, 0, 0)
        for name, box in self.boxes.items():
            box.changed.connect(partial(edited, name))

    def show_for(self, layer: Image) -> None:
        """Show the window of a layer: the digits that it needs, and the layer's unit."""
        unit, whole, found = unit_of(layer), is_whole(layer), numbers_of(layer)
        width = found["width"]
        self.boxes["width"].min = min(least_width(function_of_layer(layer), whole=whole), width)
        for name, box in self.boxes.items():
            native = box.native
            native.setDecimals(decimals_of(found[name], width, whole=whole))
            native.setSingleStep(step_of(width, whole=whole))
            native.setSuffix(f" {unit}" if unit else "")
            box.value = min(max(found[name], -_FARTHEST), _FARTHEST)


def _number_box(tooltip: str) -> Any:
    box = FloatSpinBox(min=-_FARTHEST, max=_FARTHEST, tooltip=tooltip)
    box.native.setKeyboardTracking(False)
    return box
