"""Controls of the panel "Window and level": the list of windows, and exact numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from magicgui.widgets import Container, FloatSpinBox, Label, Select
from napari.layers import Image
from qtpy.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QSizePolicy,
    QStyle,
    QStyleOptionSpinBox,
)

from napari_medread.core.volume import Window
from napari_medread.core.window_presets import (
    find_min_width,
    find_window_decimals,
    find_window_step,
)
from napari_medread.plugin.gui.controls import make_labelled_row
from napari_medread.plugin.window_level.layer_windows import (
    WindowNumber,
    find_current_windows,
    find_window_function,
    get_value_unit,
    has_integer_values,
    list_offered_windows,
    read_window_numbers,
)

_LARGEST_NUMBER = sys.float_info.max
"""Largest number that can be entered: images hold fill values as large as their type allows."""

_TEXT_MARGIN_PX = 8
"""Width that a spin box leaves free beside its text."""

_MAX_BOX_WIDTH_PX = 240
"""Numbers as long as their type allows do not widen the panel beyond this."""

_MAX_VISIBLE_WINDOWS = 16
"""Windows that the list shows at once; it scrolls to further ones."""

_TOOLTIPS: dict[WindowNumber, str] = {
    "width": "The number of values between black and white.",
    "center": "The value shown as middle grey. Also called level.",
    "lower": "This value and all below it are black.",
    "upper": "This value and all above it are white.",
}


class WindowList(Select):
    """The windows that are offered for a layer; one click chooses one."""

    def __init__(self) -> None:
        self.offered: tuple[tuple[str, Window], ...] = ()
        super().__init__(
            choices=lambda _: [(label, n) for n, (label, _) in enumerate(self.offered)],
            tooltip="The windows in the file, then those proposed for these values, then the\n"
            "usual ones: name, width and center. Click one to apply it.",
        )
        self.native.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.native.setSpacing(2)
        self.native.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_windows_for(self, layer: Image | None) -> None:
        """Offer the windows that fit a layer, and mark the one that it has now."""
        offered = () if layer is None else list_offered_windows(layer)
        if offered != self.offered or layer is None:
            self.offered = offered
            self.reset_choices()
            self._fit_height()
        self.visible = bool(offered)
        current = [] if layer is None else find_current_windows(layer, offered)
        if not set(self.value) & set(current) or not current:
            self.value = current[:1]

    def get_marked_window(self) -> Window | None:
        """Return the window that is marked in the list."""
        return self.offered[self.value[0]][1] if self.value else None

    def _fit_height(self) -> None:
        """Make the list as high as its entries."""
        native = self.native
        height = native.sizeHintForRow(0) + 2 * native.spacing()
        rows = min(native.count(), _MAX_VISIBLE_WINDOWS)
        native.setFixedHeight(height * rows + 2 * native.frameWidth())


class WindowNumberBoxes(Container[Any]):
    """Width, center, lower and upper value of a window, in the unit of a layer.

    Parameters
    ----------
    on_edited : callable
        Called with which number was edited, and its new value.
    """

    def __init__(self, on_edited: Callable[[WindowNumber, float], None]) -> None:
        self.boxes = {name: _make_number_box(tooltip) for name, tooltip in _TOOLTIPS.items()}
        rows = [
            make_labelled_row(Label(value=name.capitalize()), box)
            for name, box in self.boxes.items()
        ]
        super().__init__(widgets=rows, labels=False)
        self.margins = (0, 0, 0, 0)
        for name, box in self.boxes.items():
            box.changed.connect(partial(on_edited, name))

    def show_numbers_of(self, layer: Image) -> None:
        """Show the window of a layer, with as many digits as it needs and the layer's unit."""
        unit, whole, numbers = (
            get_value_unit(layer),
            has_integer_values(layer),
            read_window_numbers(layer),
        )
        width = numbers["width"]
        least = find_min_width(find_window_function(layer), is_integer=whole)
        self.boxes["width"].min = min(least, width)
        for name, box in self.boxes.items():
            native = box.native
            native.setDecimals(find_window_decimals(numbers[name], width, is_integer=whole))
            native.setSingleStep(find_window_step(width, is_integer=whole))
            native.setSuffix(f" {unit}" if unit else "")
            box.value = min(max(numbers[name], -_LARGEST_NUMBER), _LARGEST_NUMBER)
            native.setMinimumWidth(_find_needed_width(native))


def _find_needed_width(spin_box: QAbstractSpinBox) -> int:
    """Return the width in which a spin box shows its number and unit in full, up to a limit."""
    text = spin_box.fontMetrics().horizontalAdvance(f"{spin_box.text()} ")
    option = QStyleOptionSpinBox()
    option.initFrom(spin_box)
    option.buttonSymbols = spin_box.buttonSymbols()
    option.subControls = QStyle.SubControl.SC_All
    edit = spin_box.style().subControlRect(
        QStyle.ComplexControl.CC_SpinBox, option, QStyle.SubControl.SC_SpinBoxEditField, spin_box
    )
    return min(text + spin_box.width() - edit.width() + _TEXT_MARGIN_PX, _MAX_BOX_WIDTH_PX)


def _make_number_box(tooltip: str) -> Any:
    box = FloatSpinBox(min=-_LARGEST_NUMBER, max=_LARGEST_NUMBER, tooltip=tooltip)
    box.native.setKeyboardTracking(False)
    return box
