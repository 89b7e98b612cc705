"""Waiting until everything that an event has started has also happened.

What follows an event is often put off by a timer, or done in a thread. A test that waits for some
time instead passes on a quiet machine only; these wait for the timers and threads themselves.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import Any

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QApplication

from napari_medread.plugin.gui import background_task, timers

_QUIET_ROUNDS = 3
"""Times in a row that nothing is left to do: what is done may start something else."""

_TIMERS: weakref.WeakSet[QTimer] = weakref.WeakSet()


class _RecordedTimer(QTimer):
    """A timer of the plugin, of which is known whether it runs."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        _TIMERS.add(self)


def record_timers() -> None:
    """Let all timers of the plugin that are made from now on be known."""
    timers.QTimer = _RecordedTimer  # type: ignore[misc]


def process_events() -> None:
    """Handle all events, and let Qt delete what was told to be deleted later."""
    QApplication.processEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


def wait_until_idle(qtbot: Any, timeout: int = 20_000) -> None:
    """Wait until no timer of the plugin runs, no work goes on, and all events are handled."""
    quiet = 0

    def is_idle() -> bool:
        nonlocal quiet
        process_events()
        quiet = 0 if _is_busy() else quiet + 1
        return quiet >= _QUIET_ROUNDS

    qtbot.waitUntil(is_idle, timeout=timeout)


def _is_busy() -> bool:
    if background_task._RUNNING_TASKS:
        return True
    for timer in list(_TIMERS):
        with contextlib.suppress(RuntimeError):  # Qt has deleted it
            if timer.isActive():
                return True
    return False
