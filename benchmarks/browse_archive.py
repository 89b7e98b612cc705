"""Measure the series browser on a folder of many files: the first row, memory and stalls.

Times are shares of the whole search, and memory is per file, so that the machine matters little.
The peer of the search is reading the first bytes of the same files, and that of the longest stall
is the longest one while the same window is idle and Python collects garbage once. On a busy machine
a stall says little: what counts is the processor time of Qt's thread from one event to the next,
and of Python's garbage collection, for which every thread waits.

usage: tools/with-display.sh --xvfb .venv/bin/python benchmarks/browse_archive.py [FILES [SERIES]]
"""

from __future__ import annotations

import gc
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import psutil
from qtpy.QtCore import QEventLoop, QTimer

from archives import write_export

FILES, SERIES = 20_000, 100

MAX_STALL_S = 0.1
"""Longer stalls are counted."""

_TICK_MS = 10
"""Time between two ticks of the clock that measures stalls."""


class StallClock:
    """Measures the longest time in which Qt's thread handled no events, and the memory."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._timer = QTimer()
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self.longest_collection_s = 0.0
        gc.callbacks.append(self._on_collection)
        self._loop = QEventLoop()
        self._is_done: Callable[[], bool] = bool

    def start(self) -> None:
        """Forget what was measured, and go on."""
        self.longest_s, self.stalls = 0.0, 0
        self.longest_busy_s = self.longest_collection_s = 0.0
        self.memory_bytes = self.first_memory_bytes = self._process.memory_info().rss
        self._last = self._last_memory = time.perf_counter()
        self._last_busy = time.thread_time()

    def run_until(self, is_done: Callable[[], bool]) -> None:
        """Handle events until a condition holds, which is asked for at each tick."""
        self._is_done = is_done
        self._timer.start()
        self._loop.exec()
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        gap = now - self._last
        self.longest_s = max(self.longest_s, gap)
        self.stalls += gap > MAX_STALL_S
        busy = time.thread_time()
        self.longest_busy_s = max(self.longest_busy_s, busy - self._last_busy)
        self._last_busy = busy
        if now - self._last_memory > 0.1:
            self._last_memory = now
            self.memory_bytes = max(self.memory_bytes, self._process.memory_info().rss)
        if self._is_done():
            self._loop.quit()
        self._last = time.perf_counter()

    def _on_collection(self, phase: str, info: dict[str, int]) -> None:
        del info
        if phase == "start":
            self._collection_start = time.thread_time()
        else:
            duration = time.thread_time() - self._collection_start
            self.longest_collection_s = max(self.longest_collection_s, duration)


def measure(panel: Any, clock: StallClock, folder: Path, count: int) -> None:
    """Search a folder, and print what it took."""
    start = time.perf_counter()
    for path in sorted(folder.rglob("IM*")):
        with path.open("rb") as file:
            file.read(4096)
    peer = time.perf_counter() - start
    clock.start()
    start = time.perf_counter()
    panel.browse(folder)
    times = {}
    for name, is_reached in (
        ("first row", lambda: panel.tree.topLevelItemCount() or not panel.is_busy),
        ("first to load", lambda: panel.tree.entry_count or not panel.is_busy),
        ("all", lambda: not (panel.is_busy or panel.tree.is_filling)),
    ):
        clock.run_until(is_reached)
        times[name] = time.perf_counter() - start
    first_row, first_loadable, total = times.values()
    memory = (clock.memory_bytes - clock.first_memory_bytes) / count
    print(
        f"  {total / peer:.1f} times reading the first bytes; first row after "
        f"{first_row / total:.1%} ({first_row:.2f} s of {total:.1f}), first to load after "
        f"{first_loadable / total:.1%}; {memory:,.0f} bytes a file at the peak; longest stall "
        f"{clock.longest_s * 1e3:.0f} ms, {clock.stalls} over 100 ms; longest processor time of "
        f"Qt's thread {clock.longest_busy_s * 1e3:.0f} ms, of a garbage collection "
        f"{clock.longest_collection_s * 1e3:.0f} ms"
    )


def main(arguments: list[str]) -> int:
    count, series = [int(each) for each in arguments] or (FILES, SERIES)
    viewer = napari.Viewer()
    panel = viewer.window.add_plugin_dock_widget("napari-medread", "Series browser")[1]
    clock = StallClock()
    for scattered in (False, True):
        folder = Path(tempfile.mkdtemp())
        try:
            write_export(folder, count, series, scattered=scattered)
            kind = "scattered over folders" if scattered else "in a folder each"
            print(f"{count:,} files of {series} series, {kind}:")
            clock.start()
            end = time.perf_counter() + 2
            gc.collect()
            clock.run_until(lambda end=end: time.perf_counter() > end)
            print(f"  longest stall while idle: {clock.longest_s * 1e3:.0f} ms")
            measure(panel, clock, folder, count)
        finally:
            shutil.rmtree(folder)
    viewer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
