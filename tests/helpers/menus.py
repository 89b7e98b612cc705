"""Actions and panels, found in the menus as a person finds them."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtGui import QAction


def action(viewer: napari.Viewer, *names: str) -> QAction:
    """Return an action by its menus and the start of its title: ``"Layers", "Data", "Export"``."""
    found: Any = viewer.window._qt_window.menuBar()
    for name in names[:-1]:
        found = next(
            each.menu() for each in found.actions() if each.text().replace("&", "") == name
        )
        found.aboutToShow.emit()
    return next(each for each in found.actions() if each.text().startswith(names[-1]))


def opened(viewer: napari.Viewer, *names: str) -> Any:
    """Trigger the action that opens a panel, and return the panel."""
    action(viewer, *names).trigger()
    title = names[-1].removesuffix(" (")
    (dock,) = (d for n, d in viewer.window._wrapped_dock_widgets.items() if title in n)
    return dock.inner_widget()
