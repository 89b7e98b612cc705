"""Panels opened as a person opens them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from qtpy.QtCore import Qt

from plugin.widgets.tables import rows_of


@pytest.fixture
def click(qtbot) -> Callable[[Any], None]:
    """Click a button of a panel."""

    def clicked(button: Any) -> None:
        native = getattr(button, "native", button)
        assert native.isVisible()
        assert native.isEnabled()
        qtbot.mouseClick(native, Qt.MouseButton.LeftButton)

    return clicked


@pytest.fixture
def collected(qtbot) -> Callable[..., None]:
    """Wait until nothing refers to some objects any more: napari lets go a little later."""

    def waited(*refs: weakref.ref[Any]) -> None:
        def are_gone() -> bool:
            gc.collect()
            return not any(ref() is not None for ref in refs)

        qtbot.waitUntil(are_gone, timeout=5000)

    return waited


@pytest.fixture
def values(qtbot, widget, click) -> Callable[[], list[dict[str, str]]]:
    """Click Values inside of the panel Measure, wait, and return the table's rows."""

    def done() -> list[dict[str, str]]:
        click(widget.run)
        qtbot.waitUntil(lambda: widget._work is None, timeout=20000)
        return rows_of(widget)

    return done
