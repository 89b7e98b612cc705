"""The controls of the widget for window and level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from magicgui.widgets import Container, FloatSpinBox, Select
from napari.layers import Image
from qtpy.QtWidgets import QAbstractItemView

from napari_medread.core.windows import decimals_of, step_of
from napari_medread.plugin.windowing import is_whole, unit_of

_FARTHEST = 1e15
"""No number of a window is larger."""

_MOST = 16
"""So many windows are seen at once; further ones are scrolled to."""


def number_box(tooltip: str) -> Any:
    """Return a control for a number in the unit of a layer."""
    box = FloatSpinBox(min=-_FARTHEST, max=_FARTHEST, tooltip=tooltip)
    box.native.setKeyboardTracking(False)
    return box


def show_number(box: Any, value: float, width: float, layer: Image) -> None:
    """Show a number of a window of some width: the digits it needs, and the layer's unit."""
    unit, whole, native = unit_of(layer), is_whole(layer), box.native
    native.setDecimals(decimals_of(value, width, whole=whole))
    native.setSingleStep(step_of(width, whole=whole))
    native.setSuffix(f" {unit}" if unit else "")
    box.value = value


def window_list(choices: Callable[..., Any]) -> Any:
    """Return a list in which one click chooses a window."""
    listed = Select(
        choices=choices,
        tooltip="The file's own windows, and the usual ones for such values:\n"
        "name, width and center. A click shows the image through it.",
    )
    listed.native.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    listed.native.setSpacing(2)
    return listed


def show_all(listed: Any) -> None:
    """Make a list as high as what is in it."""
    native = listed.native
    height = native.sizeHintForRow(0) + 2 * native.spacing()
    native.setFixedHeight(height * min(native.count(), _MOST) + 2 * native.frameWidth())


def in_a_row(*buttons: Any) -> Any:
    """Return buttons side by side."""
    row: Any = Container(widgets=buttons, layout="horizontal", labels=False)
    row.margins = (0, 0, 0, 0)
    return row
