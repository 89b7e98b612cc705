"""Records which calls occupy Qt's thread while something is done in a window, and how long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import napari
import vispy
from qtpy.QtWidgets import QApplication

import napari_medread

_OUR_FOLDER = str(Path(napari_medread.__file__).parent)
_NAPARI_FOLDERS = tuple(str(Path(module.__file__).parent) for module in (napari, vispy))

_SAMPLING_INTERVAL_S = 0.002
"""Time between two samples of the stack."""


class Stretch(NamedTuple):
    """One call into napari-medread on Qt's thread, from start to end.

    Attributes
    ----------
    name : str
        The outermost function of napari-medread.
    seconds : float
        How long it took.
    own : float
        Seconds of it that were not spent in napari's slicing and drawing.
    """

    name: str
    seconds: float
    own: float


@contextmanager
def watch_thread() -> Iterator[list[Stretch]]:
    """Record the stretches of this thread.

    The list is filled when the block ends, the longest stretch first.
    """
    stretches: list[Stretch] = []
    is_over = threading.Event()
    watcher = threading.Thread(
        target=_record_stretches, args=(threading.get_ident(), is_over, stretches)
    )
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SAMPLING_INTERVAL_S / 4)
    watcher.start()
    try:
        yield stretches
    finally:
        is_over.set()
        watcher.join()
        sys.setswitchinterval(before)
        stretches.sort(key=lambda stretch: stretch.own, reverse=True)


def settle(seconds: float = 0.5) -> None:
    """Let the napari window process events for some time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.001)


def _record_stretches(thread: int, is_over: threading.Event, stretches: list[Stretch]) -> None:
    """Sample the stack of a thread, and append a stretch when our outermost call changes."""
    current, name, start, own, last = None, "", 0.0, 0.0, 0.0
    while not is_over.is_set():
        now = time.perf_counter()
        outermost, is_ours = _find_our_frame(sys._current_frames()[thread])
        if outermost is not current:
            if current is not None:
                stretches.append(Stretch(name, now - start, own))
            current, start, own = outermost, now, 0.0
            name = "" if current is None else current.f_code.co_qualname
        elif current is not None and is_ours:
            own += now - last
        last = now
        time.sleep(_SAMPLING_INTERVAL_S)


def _find_our_frame(frame: FrameType | None) -> tuple[FrameType | None, bool]:
    """Return the outermost frame of napari-medread, and whether its code runs, not napari's."""
    outermost, is_ours, is_napari = None, False, False
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(_OUR_FOLDER):
            if outermost is None:
                is_ours = not is_napari
            outermost = frame
        elif outermost is None and path.startswith(_NAPARI_FOLDERS):
            is_napari = True
        frame = frame.f_back
    return outermost, is_ours
