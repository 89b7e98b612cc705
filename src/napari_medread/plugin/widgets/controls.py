"""Controls that look alike in all widgets."""

from __future__ import annotations

import weakref
from typing import Any

from magicgui.widgets import Container, FloatSpinBox, Label
from qtpy.QtWidgets import QSizePolicy

DECIMALS = 3
"""Of a spacing in mm, as it is shown."""

_LEAVING: dict[int, Any] = {}
"""Widgets that Qt is about to delete."""

_LABEL_WIDTH = 105
"""In pixels, so that the controls stand below one another."""


def spacing_box() -> Any:
    """Return a control for a spacing in mm."""
    box = FloatSpinBox(
        min=10**-DECIMALS,
        max=1000,
        step=0.1,
        tooltip="Distance from voxel to voxel along this axis, in mm.",
    )
    box.native.setDecimals(DECIMALS)
    box.native.setSuffix(" mm")
    box.native.setKeyboardTracking(False)
    return box


def row(label: Any, widget: Any) -> Any:
    """Return a control with its label on the left."""
    label.min_width = _LABEL_WIDTH
    row: Any = Container(widgets=[label, widget], layout="horizontal", labels=False)
    row.margins = (0, 0, 0, 0)
    return row


def sentence() -> Any:
    """Return a line of text that wraps."""
    label = Label(value="")
    label.native.setWordWrap(True)
    label.native.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    return label


def leave_to_qt(container: Any, is_gone: list[bool]) -> None:
    """Let Qt delete a widget once napari has taken it out of its dock.

    Left to Python's garbage collector, its controls are deleted in an order in which Qt may
    crash, and what it does to the viewer goes on until then.

    Parameters
    ----------
    container : Container
        The widget.
    is_gone : list of bool
        Empty; filled when the widget is deleted.
    """
    this, key = weakref.ref(container), id(container)

    def parent_changed(parent: Any) -> None:
        widget = None if is_gone else this()
        if parent is None and widget is not None:
            _LEAVING[key] = widget  # until Qt has done it, out of the collector's reach
            widget.native.deleteLater()

    def destroyed(*_: Any) -> None:
        is_gone.append(True)
        _LEAVING.pop(key, None)

    container.native.destroyed.connect(destroyed)
    container.native_parent_changed.connect(parent_changed)
