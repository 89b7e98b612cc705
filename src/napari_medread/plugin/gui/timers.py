"""Timers for what need not be done at once."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QCoreApplication, QEvent, QObject, QTimer


def make_timer(
    milliseconds: int, function: Callable[[], Any], parent: QObject | None = None
) -> QTimer:
    """Return a timer that calls a function once, some time after its last start."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(function)
    return timer


class CallBeforeDrawing(QObject):
    """Calls a method once after its last start, before the window is drawn the next time.

    A timer of 0 ms comes after it: what it changes would be drawn a moment later than the
    picture, and the window, which takes Qt a while, twice. Qt handles events in the order in
    which they were posted, and the request to draw the window after all others.

    Parameters
    ----------
    method : bound method
        Its object is not kept alive.
    """

    def __init__(self, method: Callable[[], Any]) -> None:
        super().__init__()
        self._method_ref = weakref.WeakMethod(method)
        self._is_started = False

    def start(self) -> None:
        """Call the method soon, unless it is to be called already."""
        if not self._is_started:
            self._is_started = True
            QCoreApplication.postEvent(self, QEvent(QEvent.Type.User))

    def stop(self) -> None:
        """Do not call the method."""
        self._is_started = False

    def event(self, event: QEvent) -> bool:
        """Take the event that ``start`` has posted."""
        if event.type() != QEvent.Type.User:
            return bool(super().event(event))
        method = self._method_ref()
        if self._is_started and method is not None:
            self._is_started = False
            method()
        return True
