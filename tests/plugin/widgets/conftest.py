"""Panels opened as a person opens them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import napari
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QAction


@pytest.fixture
def menu_action(viewer: napari.Viewer) -> Callable[..., QAction]:
    """Return an action of the menus, found as a person finds it: ``"Layers", "Data", "Export"``."""

    def find(*names: str) -> QAction:
        found: Any = viewer.window._qt_window.menuBar()
        for name in names[:-1]:
            found = next(
                each.menu() for each in found.actions() if each.text().replace("&", "") == name
            )
            found.aboutToShow.emit()
        return next(each for each in found.actions() if each.text().startswith(names[-1]))

    return find


@pytest.fixture
def click(qtbot) -> Callable[[Any], None]:
    """Click a button of a panel."""

    def clicked(button: Any) -> None:
        assert button.native.isVisible()
        assert button.native.isEnabled()
        qtbot.mouseClick(button.native, Qt.MouseButton.LeftButton)

    return clicked
