"""Panels opened as a person opens them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from qtpy.QtCore import Qt


@pytest.fixture
def click(qtbot) -> Callable[[Any], None]:
    """Click a button of a panel."""

    def clicked(button: Any) -> None:
        native = getattr(button, "native", button)
        assert native.isVisible()
        assert native.isEnabled()
        qtbot.mouseClick(native, Qt.MouseButton.LeftButton)

    return clicked
