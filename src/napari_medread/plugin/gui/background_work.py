"""Work that runs beside the window, reports how far it is, and stops when asked to."""

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
from napari_medread.plugin.gui.viewer_references import open_viewer

T = TypeVar("T")

STEP = 0.05
"""Seconds between two reports of progress: the window waits for the thread at each of them."""

_RUNNING: set[Work] = set()
"""Keeps work alive until it is done, even if who has asked for it is gone."""


class Work(QObject):
    """A function that is called in a thread.

    Its signals reach the thread that has made it, which is the window's.

    Parameters
    ----------
    function : callable
        Given a ``Progress`` to wrap its loops in.

    Attributes
    ----------
    progressed : Signal(int, int)
        How many steps are done, and of how many.
    returned : Signal(object)
        What the function has returned.
    refused : Signal(str)
        The sentence of a ``MedReadError``.
    finished : Signal()
        Always the last, after cancelling too.
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
        """Begin."""
        _RUNNING.add(self)
        self._worker.start()

    def cancel(self) -> None:
        """Ask it to stop at its next step; nothing is returned then."""
        if self in _RUNNING:
            self._worker.quit()

    def _call(self) -> Any:
        # Sentences are returned: what is raised in a thread comes with a stack trace.
        try:
            return self._function(self._track)
        except (MedReadError, Cancelled) as error:
            return _Refusal(str(error))
        except MemoryError:
            return _Refusal("There is not enough memory for this.")
        except OSError as error:
            reason = error.strerror or "no reason is given"
            return _Refusal(f"The system refuses what was asked of it: {reason}.")

    def _track(self, items: Sequence[T], description: str) -> Iterator[T]:
        """Yield items, and tell the window.

        Raises
        ------
        Cancelled
            When it was cancelled.
        """
        del description
        told = monotonic() - STEP
        for done, item in enumerate(items):
            # napari asks this way too, when it ends.
            if self._worker.abort_requested:
                raise Cancelled("The work was cancelled.")
            if monotonic() - told >= STEP:
                told = monotonic()
                self.progressed.emit(done, len(items))
            yield item

    def _on_returned(self, result: Any) -> None:
        if isinstance(result, _Refusal):
            self.refused.emit(result.sentence)
        else:
            self.returned.emit(result)

    def _on_finished(self) -> None:
        self.finished.emit()
        _RUNNING.discard(self)
        # What is connected holds on to data, and Qt to what is connected.
        del self._function, self._worker
        self.deleteLater()


def show_progress(work: Work, description: str) -> None:
    """Show how far work is in napari's window, with a button that cancels it."""
    bar = _Bar(desc=description, cancel_callback=work.cancel)

    def moved(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    work.progressed.connect(moved)
    work.finished.connect(bar.close)


def cancel_without(work: Work, viewer: Any, layers: Iterable[Any]) -> None:
    """Cancel work when its viewer is closed, or has none of the layers any more."""
    viewer_of, layers_of = weakref.ref(viewer), [weakref.ref(each) for each in layers]

    def check(*_: int) -> None:
        found = open_viewer(viewer_of)
        if found is None or not any(layer_of() in found.layers for layer_of in layers_of):
            work.cancel()

    work.progressed.connect(check)


class _Bar(cancelable_progress):  # type: ignore[misc]  # napari has no types here
    """A bar whose button calls back at once; napari's does while it iterates itself alone."""

    def cancel(self) -> None:
        super().cancel()
        self.cancel_callback()


class _Refusal:
    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
