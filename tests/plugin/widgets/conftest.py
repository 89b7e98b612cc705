"""Panels opened as a person opens them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from qtpy.QtCore import Qt

from plugin.widgets.tables import rows_of


@pytest.fixture
def click(qtbot) -> Callable[[Any], None]:
    """Click a button of a panel."""

    def clicked(button: Any) -> None:
        assert button.native.isVisible()
        assert button.native.isEnabled()
        qtbot.mouseClick(button.native, Qt.MouseButton.LeftButton)

    return clicked


@pytest.fixture
def values(qtbot, widget, click) -> Callable[[], list[dict[str, str]]]:
    """Click Values inside of the panel Measure, wait, and return the table's rows."""

    def done() -> list[dict[str, str]]:
        click(widget.run)
        qtbot.waitUntil(lambda: widget._work is None, timeout=20000)
        return rows_of(widget)

    return done
