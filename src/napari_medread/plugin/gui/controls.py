"""Controls that look alike in all widgets."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from magicgui.widgets import Container, FloatSpinBox, Label
from qtpy.QtWidgets import QFileDialog, QSizePolicy, QWidget

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


def weakly(widget: Any, is_gone: list[bool], function: Callable[..., None]) -> Callable[..., None]:
    """Return what calls a function with a widget and more, unless it was closed by then.

    Work outlives a widget that is closed, and does not keep it.

    Parameters
    ----------
    widget : widget
        It is not kept alive.
    is_gone : list of bool
        Filled when it is deleted.
    function : callable
        Called with the widget, and with what the result is called with.
    """
    this = weakref.ref(widget)

    def call(*arguments: Any) -> None:
        found = None if is_gone else this()
        if found is not None:
            function(found, *arguments)

    return call


def ask_for_file(
    parent: QWidget, title: str, filters: Sequence[str], name: str = ""
) -> Path | None:
    """Ask where to write, and again before a file is replaced; return None if nowhere.

    Parameters
    ----------
    parent : QWidget
    title : str
    filters : sequence of str
        Kinds of files, as ``CSV (*.csv)``. That which is chosen gives a name its suffix.
    name : str
        What to propose.
    """
    dialog = QFileDialog(parent, title, name)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(list(filters))

    def suffix(chosen: str) -> None:
        dialog.setDefaultSuffix(chosen.rpartition("*.")[2].rstrip(")"))

    dialog.filterSelected.connect(suffix)
    suffix(filters[0])
    accepted = bool(dialog.exec())
    chosen = [Path(each) for each in dialog.selectedFiles()]
    dialog.deleteLater()
    return chosen[0] if accepted and chosen else None


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
