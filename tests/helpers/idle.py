"""Waiting until everything that an event has started has also happened.

What follows an event is often put off by a timer, or done in a thread. A test that waits for some
time instead passes on a quiet machine only; these wait for the timers and threads themselves.
"""

from __future__ import annotations

import contextlib
import time
import weakref
from typing import Any

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_medread.plugin.gui import background_task, timers

_QUIET_ROUNDS = 3
"""Number of rounds in a row without anything left to do: what is done may start something else."""

_ROUND = 10
"""In ms. Less than a frame on a screen."""

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


def wait_until_idle(timeout: float = 30.0) -> None:
    """Wait until no timer of the plugin runs, no task goes on, and all events are handled.

    Parameters
    ----------
    timeout : float
        Seconds after which it is an error that something still goes on.
    """
    deadline, quiet = time.monotonic() + timeout, 0
    while quiet < _QUIET_ROUNDS:
        QTest.qWait(_ROUND)
        process_events()
        quiet = 0 if _is_busy() else quiet + 1
        assert time.monotonic() < deadline, "The plugin's timers or tasks do not come to an end."


def _is_busy() -> bool:
    if background_task._RUNNING_TASKS:
        return True
    for timer in list(_TIMERS):
        with contextlib.suppress(RuntimeError):  # Qt has deleted it
            if timer.isActive():
                return True
    return False
