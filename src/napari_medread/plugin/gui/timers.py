"""Timers that put off what need not be done at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer


def timer(milliseconds: int, function: Callable[[], Any], parent: QObject | None = None) -> QTimer:
    """Return a timer that calls a function once, some time after it was started last."""
    found = QTimer(parent)
    found.setSingleShot(True)
    found.setInterval(milliseconds)
    found.timeout.connect(function)
    return found
