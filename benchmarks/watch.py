"""Who has Qt's thread while something is done in a window, and for how long at a stretch."""

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

_OURS = str(Path(napari_medread.__file__).parent)
_NAPARI = tuple(str(Path(module.__file__).parent) for module in (napari, vispy))

_PAUSE = 0.002
"""Seconds between two looks at the stack."""


class Stretch(NamedTuple):
    """One call of ours on Qt's thread, from its first line to its last.

    Attributes
    ----------
    name : str
        The outermost function of ours.
    seconds : float
        How long it took.
    own : float
        Seconds of it that were not spent in napari: neither its slicing nor its drawing.
    """

    name: str
    seconds: float
    own: float


@contextmanager
def watched() -> Iterator[list[Stretch]]:
    """Watch this thread; the stretches are there, the longest first, when it is over."""
    found: list[Stretch] = []
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(threading.get_ident(), over, found))
    before = sys.getswitchinterval()
    sys.setswitchinterval(_PAUSE / 4)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()
        sys.setswitchinterval(before)
        found.sort(key=lambda stretch: stretch.own, reverse=True)


def settle(seconds: float = 0.5) -> None:
    """Let the window do what is due."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.001)


def _watch(thread: int, over: threading.Event, found: list[Stretch]) -> None:
    current, name, start, own, last = None, "", 0.0, 0.0, 0.0
    while not over.is_set():
        now = time.perf_counter()
        outermost, is_own = _ours(sys._current_frames()[thread])
        if outermost is not current:
            if current is not None:
                found.append(Stretch(name, now - start, own))
            current, start, own = outermost, now, 0.0
            name = "" if current is None else current.f_code.co_qualname
        elif current is not None and is_own:
            own += now - last
        last = now
        time.sleep(_PAUSE)


def _ours(frame: FrameType | None) -> tuple[FrameType | None, bool]:
    """Return our outermost frame of a stack, and whether we, not napari, are at work."""
    outermost, is_own, is_napari = None, False, False
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(_OURS):
            if outermost is None:
                is_own = not is_napari
            outermost = frame
        elif outermost is None and path.startswith(_NAPARI):
            is_napari = True
        frame = frame.f_back
    return outermost, is_own
