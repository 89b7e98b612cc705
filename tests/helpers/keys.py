"""Numbers typed as a person types them."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest


def typed(box: Any, number: float | str) -> None:
    """Type a number into a box instead of what is in it, and press Enter."""
    native = getattr(box, "native", box)
    native.selectAll()
    QTest.keyClicks(native, str(number))
    QTest.keyClick(native, Qt.Key.Key_Return)
