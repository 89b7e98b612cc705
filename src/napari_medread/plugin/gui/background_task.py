"""A function run in a thread, which reports its progress and can be cancelled.

A panel starts its tasks with ``Panel.tasks``. Commands without a panel call ``start`` themselves,
and show the progress in napari with ``show_progress_bar``.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Any, TypeVar

from napari.qt.threading import create_worker
from napari.utils import cancelable_progress
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_medread.core.progress import Progress
from napari_medread.errors import Cancelled, MedReadError
from napari_medread.plugin.gui.garbage_collection import (
    existing_objects_spared,
    spare_new_objects,
)
from napari_medread.plugin.gui.viewer_references import get_open_viewer

T = TypeVar("T")

PROGRESS_INTERVAL_S = 0.05
"""Seconds between two reports of progress: the main thread waits for the worker at each of them."""

SPARE_INTERVAL_S = 2.0
"""Seconds after which what a task has made meanwhile is left out of garbage collections too."""

_RUNNING_TASKS: set[BackgroundTask] = set()
"""Keeps tasks alive until they are finished, even if what has started them no longer exists."""


class BackgroundTask(QObject):
    """A function that is called once in a thread.

    It is made in the main thread, and its signals are delivered there.

    Parameters
    ----------
    function : callable
        Called in the thread with a ``Progress`` to wrap its loops in.

    Attributes
    ----------
    progressed : Signal(int, int)
        The number of steps done, and of all steps.
    returned : Signal(object)
        The return value of the function.
    refused : Signal(str)
        Why there is none, as a sentence: the message of a ``MedReadError``, or of the operating
        system.
    finished : Signal()
        The last signal, emitted after cancelling too.
    """

    progressed = Signal(int, int)
    returned = Signal(object)
    refused = Signal(str)
    finished = Signal()

    def __init__(self, function: Callable[[Progress], Any]) -> None:
        super().__init__()
        self._function = function
        self._worker = create_worker(self._call, _start_thread=False)
        self._worker.returned.connect(self._on_returned)
        self._worker.finished.connect(self._on_finished)

    def start(self) -> None:
        """Call the function in a thread."""
        _RUNNING_TASKS.add(self)
        self._worker.start()

    def cancel(self) -> None:
        """Ask the function to stop at its next step; ``returned`` is not emitted then."""
        if self in _RUNNING_TASKS:
            self._worker.quit()

    def _call(self) -> Any:
        # Errors are returned as sentences: napari would show an exception with its traceback.
        try:
            with existing_objects_spared():
                return self._function(self._track)
        except (MedReadError, Cancelled) as error:
            return _Refusal(str(error))
        except MemoryError:
            return _Refusal("There is not enough memory for this.")
        except OSError as error:
            reason = error.strerror or "no reason is given"
            return _Refusal(f"The operating system reported an error: {reason}.")

    def _track(self, items: Sequence[T], description: str) -> Iterator[T]:
        """Yield items and report progress.

        Raises
        ------
        Cancelled
            When the task was cancelled.
        """
        del description
        last_report = monotonic() - PROGRESS_INTERVAL_S
        last_spared = monotonic()
        for done, item in enumerate(items):
            # napari sets this too, when it quits.
            if self._worker.abort_requested:
                raise Cancelled("The task was cancelled.")
            if monotonic() - last_report >= PROGRESS_INTERVAL_S:
                last_report = monotonic()
                self.progressed.emit(done, len(items))
                if monotonic() - last_spared >= SPARE_INTERVAL_S:
                    spare_new_objects()
                    last_spared = monotonic()
            yield item

    def _on_returned(self, result: Any) -> None:
        if isinstance(result, _Refusal):
            self.refused.emit(result.sentence)
        else:
            self.returned.emit(result)

    def _on_finished(self) -> None:
        self.finished.emit()
        _RUNNING_TASKS.discard(self)
        # Connected functions refer to data, and Qt keeps them as long as this object.
        del self._function, self._worker
        self.deleteLater()


def show_progress_bar(task: BackgroundTask, description: str) -> None:
    """Show the progress of a task in napari's activity dock, with a button that cancels it."""
    bars: list[_CancelBar] = []
    is_finished = False

    def update(done: int, total: int) -> None:
        for bar in bars:
            bar.total = total
            bar.update(done - bar.n)

    def close() -> None:
        nonlocal is_finished
        is_finished = True
        for bar in bars:
            bar.close()

    task.progressed.connect(update)
    task.finished.connect(close)
    bars.append(_CancelBar(desc=description, cancel_callback=task.cancel))
    if is_finished:  # napari handles events while it makes a bar
        close()


def cancel_when_removed(task: BackgroundTask, viewer: Any, layers: Iterable[Any]) -> None:
    """Cancel a task once its viewer is closed, or none of the layers is in the viewer any more."""
    viewer_ref, layer_refs = weakref.ref(viewer), [weakref.ref(layer) for layer in layers]

    def check(*_: int) -> None:
        viewer = get_open_viewer(viewer_ref)
        if viewer is None or not any(layer_ref() in viewer.layers for layer_ref in layer_refs):
            task.cancel()

    task.progressed.connect(check)


class _CancelBar(cancelable_progress):  # type: ignore[misc]  # napari has no types here
    """A bar whose button calls back at once; napari's only does while napari itself iterates."""

    def cancel(self) -> None:
        super().cancel()
        self.cancel_callback()


class _Refusal:
    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
