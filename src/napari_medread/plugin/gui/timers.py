"""Timers for what need not be done at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer


def make_timer(
    milliseconds: int, function: Callable[[], Any], parent: QObject | None = None
) -> QTimer:
    """Return a timer that calls a function once, some time after its last start."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(function)
    return timer
