"""Work of a panel that goes on beside the window, of which it may lose interest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtCore import QObject

from napari_medread.core.progress import Progress
from napari_medread.plugin.gui.background_work import Work


class Beside(QObject):
    """Begins work and ends it, at the latest when the panel is deleted.

    Parameters
    ----------
    panel : QObject
        Whose work it is.
    """

    def __init__(self, panel: QObject) -> None:
        super().__init__(panel)
        # Shared with what ends the work, and does not keep this.
        running: list[Work] = []
        self._running = running
        self.destroyed.connect(partial(_cancel_all, running))

    def begin(
        self,
        function: Callable[[Progress], Any],
        *,
        progressed: Callable[[int, int], None],
        returned: Callable[[Any], None],
        refused: Callable[[str], None],
        finished: Callable[[], None],
    ) -> Work:
        """Begin work. What is connected should be methods: they do not keep what they are of."""
        work = Work(function)
        work.progressed.connect(progressed)
        work.returned.connect(returned)
        work.refused.connect(refused)
        work.finished.connect(finished)
        self._running.append(work)
        work.start()
        return work

    def drop(self, work: Work | None) -> None:
        """Cancel work, of which nothing is heard any more."""
        if work is not None:
            for signal in (work.progressed, work.returned, work.refused, work.finished):
                signal.disconnect()
            work.cancel()
            self.forget(work)

    def forget(self, work: Work | None) -> None:
        """Take work as done."""
        if work in self._running:
            self._running.remove(work)


def _cancel_all(running: list[Work], *_: Any) -> None:
    for work in running:
        work.cancel()
