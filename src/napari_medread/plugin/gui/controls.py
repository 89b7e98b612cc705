"""magicgui controls that look alike in all panels, and the dialog for a file to write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from magicgui.widgets import Container, FloatSpinBox, Label
from qtpy.QtWidgets import QFileDialog, QSizePolicy, QWidget

SPACING_DECIMALS = 3
"""Decimals of a spacing in mm, as it is shown."""

_LABEL_WIDTH_PX = 105
"""Width of the labels of rows, so that the controls stand below one another."""


def make_spacing_box() -> Any:
    """Return a control for a spacing in mm."""
    box = FloatSpinBox(
        min=10**-SPACING_DECIMALS,
        max=1000,
        step=0.1,
        tooltip="Distance from voxel to voxel along this axis, in mm.",
    )
    box.native.setDecimals(SPACING_DECIMALS)
    box.native.setSuffix(" mm")
    box.native.setKeyboardTracking(False)
    return box


def make_row(*widgets: Any) -> Any:
    """Return controls side by side."""
    row: Any = Container(widgets=widgets, layout="horizontal", labels=False)
    row.margins = (0, 0, 0, 0)
    return row


def make_labelled_row(label: Any, widget: Any) -> Any:
    """Return a control with its label on the left."""
    label.min_width = _LABEL_WIDTH_PX
    return make_row(label, widget)


def make_wrapping_label() -> Any:
    """Return an empty label whose text wraps."""
    label = Label(value="")
    label.native.setWordWrap(True)
    label.native.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    return label


def ask_save_path(
    parent: QWidget, title: str, filters: Sequence[str], name: str = ""
) -> Path | None:
    """Ask the user for a file to write; Qt asks again before a file is replaced.

    Parameters
    ----------
    parent : QWidget
    title : str
    filters : sequence of str
        Kinds of files, as ``CSV (*.csv)``. The chosen one gives a name without a suffix its own.
    name : str
        The name to propose.

    Returns
    -------
    Path or None
        None where the user cancels.
    """
    dialog = QFileDialog(parent, title, name)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(list(filters))

    def set_suffix(chosen_filter: str) -> None:
        dialog.setDefaultSuffix(chosen_filter.rpartition("*.")[2].rstrip(")"))

    dialog.filterSelected.connect(set_suffix)
    set_suffix(filters[0])
    is_accepted = bool(dialog.exec())
    paths = [Path(path) for path in dialog.selectedFiles()]
    dialog.deleteLater()
    return paths[0] if is_accepted and paths else None
