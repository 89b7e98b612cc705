"""Keeping Python's garbage collection short while something is read in the background."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_spared_count = 0


@contextmanager
def existing_objects_spared() -> Iterator[None]:
    """Leave the objects that exist already out of garbage collections.

    A full collection looks at every object of napari, which takes up to a quarter of a second, and
    all threads wait for it: the window stands still. Reading makes so many objects that several of
    them would run. What is made meanwhile is collected as always. May be nested, in any thread.
    """
    global _spared_count
    with _lock:
        _spared_count += 1
        if _spared_count == 1:
            gc.freeze()
    try:
        yield
    finally:
        with _lock:
            _spared_count -= 1
            if not _spared_count:
                gc.unfreeze()


def spare_new_objects() -> None:
    """Within ``existing_objects_spared``, leave out what has been made since then too.

    What a long search has found grows until visiting it takes too long as well. Recent garbage is
    collected first; older garbage waits for the end.
    """
    with _lock:
        if _spared_count:
            gc.collect(1)
            gc.freeze()
