"""The background tasks of one panel: started here, and cancelled when the panel is closed."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

from napari_medread.plugin.gui.background_task import BackgroundTask


class PanelTasks:
    """Starts the tasks of a panel and passes on what they report, as long as the panel is open."""

    def __init__(self) -> None:
        self._running: dict[BackgroundTask, bool] = {}

    def start(
        self,
        task: BackgroundTask,
        *,
        on_progress: Callable[[int, int], None] | None = None,
        on_result: Callable[[Any], None] | None = None,
        on_refused: Callable[[str], None] | None = None,
        on_finished: Callable[[], None] | None = None,
        outlives_panel: bool = False,
    ) -> BackgroundTask:
        """Start a task.

        The callbacks are called in the main thread. None is called once the task was dropped or
        the panel closed. Bound methods do not keep their object alive; other functions must not
        refer to the panel.

        Parameters
        ----------
        task : BackgroundTask
            A task that was not started yet.
        on_progress : callable
            Called with the steps done and their number.
        on_result : callable
            Called with what the task's function has returned.
        on_refused : callable
            Called with a sentence that says why there is no result.
        on_finished : callable
            Called last, after any of the others, and when the task was cancelled too.
        outlives_panel : bool
            Whether the task goes on when the panel is closed. Otherwise it is cancelled then.

        Returns
        -------
        BackgroundTask
            The same task.
        """
        self._running[task] = outlives_panel
        for signal, callback in (
            (task.progressed, on_progress),
            (task.returned, on_result),
            (task.refused, on_refused),
        ):
            if callback is not None:
                signal.connect(self._while_running(task, callback))
        task.finished.connect(self._while_running(task, on_finished or _do_nothing, is_last=True))
        task.start()
        return task

    def drop(self, task: BackgroundTask | None) -> None:
        """Cancel a task whose result is not wanted any more; None is no task."""
        if task is not None and task in self._running:
            del self._running[task]
            task.cancel()

    def close(self) -> None:
        """Cancel the tasks that do not outlive the panel; nothing is reported any more."""
        for task, outlives_panel in self._running.items():
            if not outlives_panel:
                task.cancel()
        self._running = {}

    def _while_running(
        self, task: BackgroundTask, callback: Callable[..., None], *, is_last: bool = False
    ) -> Callable[..., None]:
        """Return what calls a callback as long as its task is among those that are running."""
        tasks_ref, task_ref, get_callback = weakref.ref(self), weakref.ref(task), _refer(callback)

        def call(*arguments: Any) -> None:
            tasks, task = tasks_ref(), task_ref()
            if tasks is None or task is None or task not in tasks._running:
                return
            if is_last:
                del tasks._running[task]
            function = get_callback()
            if function is not None:
                function(*arguments)

        return call


def _refer(callback: Callable[..., None]) -> Callable[[], Callable[..., None] | None]:
    """Return a reference to a callback, which is weak for a bound method."""
    return weakref.WeakMethod(callback) if inspect.ismethod(callback) else lambda: callback


def _do_nothing() -> None:
    pass
