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
from qtpy.QtOpenGLWidgets import QOpenGLWidget
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
    """Handle all events, the display's among them, and let Qt delete what it was told to."""
    QApplication.sync()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


def wait_until_idle(timeout: float = 30.0) -> None:
    """Wait until no timer of the plugin runs, no task goes on, and no widget changes its size.

    Parameters
    ----------
    timeout : float
        Seconds after which it is an error that something still goes on.
    """
    deadline, quiet, before = time.monotonic() + timeout, 0, None
    while quiet < _QUIET_ROUNDS:
        QTest.qWait(_ROUND)
        process_events()
        sizes = _sizes()
        quiet = 0 if _is_busy() or sizes != before else quiet + 1
        before = sizes
        assert time.monotonic() < deadline, "The plugin's timers or tasks do not come to an end."


def _sizes() -> list[tuple[int, int]]:
    """Return the sizes of windows and canvases: layouts settle when the display has answered."""
    windows = [each for each in QApplication.topLevelWidgets() if each.isVisible()]
    canvases = [canvas for each in windows for canvas in each.findChildren(QOpenGLWidget)]
    return [(each.width(), each.height()) for each in (*windows, *canvases)]


def _is_busy() -> bool:
    if background_task._RUNNING_TASKS:
        return True
    for timer in list(_TIMERS):
        with contextlib.suppress(RuntimeError):  # Qt has deleted it
            if timer.isActive():
                return True
    return False
