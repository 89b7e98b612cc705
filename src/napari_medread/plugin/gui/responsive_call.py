"""Calling a function that takes a while and has to return, without freezing the window.

napari's readers have to return what they have read. So the function runs in a thread, and the
caller's own loop of events draws the window and takes clicks until the function has returned.
Whatever the user does meanwhile may call this again: the outer call then returns after the inner.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import napari
from qtpy.QtCore import QCoreApplication, QEventLoop, QThread

from napari_medread.core.progress import Progress
from napari_medread.errors import Cancelled
from napari_medread.plugin.gui.background_task import BackgroundTask, show_progress_bar
from napari_medread.plugin.gui.reader_progress import BAR_DELAY_S, show_cancelable_progress
from napari_medread.plugin.gui.timers import make_timer
from napari_medread.plugin.gui.viewer_references import get_open_viewer

T = TypeVar("T")


def call_responsively(function: Callable[[Progress], T], description: str) -> T:
    """Return the result of a function that runs in a thread, and handle events until it returns.

    Without Qt, and in a thread, the function is called directly.

    Parameters
    ----------
    function : callable
        Called with a ``Progress`` to wrap its loops in. It must not touch Qt or layers.
    description : str
        Stands beside the progress bar, which is shown once the call takes a while.

    Raises
    ------
    Cancelled
        When the user cancels, or closes the viewer or napari meanwhile.
    Exception
        Whatever the function raises.
    """
    application = QCoreApplication.instance()
    if application is None or QThread.currentThread() is not application.thread():
        return function(show_cancelable_progress)
    outcome: list[Callable[[], T]] = []
    task = BackgroundTask(partial(_keep_outcome, function, outcome))
    loop = QEventLoop()
    bar_timer = make_timer(round(BAR_DELAY_S * 1000), lambda: show_progress_bar(task, description))
    viewer = napari.current_viewer()
    is_viewer_open = _follow_viewer(viewer, task)
    del viewer
    task.finished.connect(loop.quit)
    bar_timer.start()
    task.start()
    loop.exec()
    bar_timer.stop()
    if not outcome:  # napari was closed, which ends all loops
        task.cancel()
        raise Cancelled(f"{description}: napari was closed.")
    result = outcome[0]()
    if not is_viewer_open():
        raise Cancelled(f"{description}: the viewer was closed.")
    return result


def _keep_outcome(
    function: Callable[[Progress], T], outcome: list[Callable[[], T]], progress: Progress
) -> None:
    """Call a function, and append what returns its result, or raises its exception, again."""
    try:
        result = function(progress)
    except Exception as error:  # noqa: BLE001  (it is raised again in the main thread)
        outcome.append(partial(_raise, error))
    else:
        outcome.append(lambda: result)


def _raise(error: Exception) -> Any:
    raise error


def _follow_viewer(viewer: Any, task: BackgroundTask) -> Callable[[], bool]:
    """Cancel a task once a viewer is closed; return what says whether it is still open."""
    if viewer is None:
        return lambda: True
    viewer_ref = weakref.ref(viewer)

    def is_open() -> bool:
        return get_open_viewer(viewer_ref) is not None

    def check(*_: int) -> None:
        if not is_open():
            task.cancel()

    task.progressed.connect(check)
    return is_open
