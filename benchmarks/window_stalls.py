"""Measure how long the window stands still while series are opened, and while a crop is dragged.

A folder of three series is opened; what counts is the longest time without events before the first
layer is added, while this plugin reads. The peer is napari: how long it then takes to add the three
layers. Python's garbage collection stops both threads; the longest one is printed beside them. Then
the crop box is dragged by twenty moves; what counts is the time per move. The peer is napari again:
how long it takes to draw the same volume once.

usage: tools/with-display.sh --xvfb .venv/bin/python benchmarks/window_stalls.py
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import napari
import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

import folders
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Volume
from napari_medread.plugin.bridge.volume_to_layer import to_layer
from watch import settle

SHAPE = (200, 256, 256)
SERIES = 3
MOVES = 20
BEAT_MS = 5
"""Interval of the timer whose delays are the stalls."""


def make_ct(seed: int = 0) -> Volume:
    """Return a sphere of soft tissue with a shell of bone, in air."""
    axes = [np.linspace(-1, 1, n, dtype=np.float32) for n in SHAPE]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    radius = np.sqrt(z**2 + y**2 + x**2)
    values = np.where(radius < 0.9, 40, -1000).astype(np.int16)
    values[(radius > 0.7) & (radius < 0.8)] = 700
    values += np.random.default_rng(seed).integers(-20, 20, SHAPE, dtype=np.int16)
    affine = np.diag([0.7, 0.7, 1.0, 1.0])[[2, 1, 0, 3]]
    return Volume(values, f"CT {seed}", Geometry(SHAPE, affine), modality="CT", value_unit="HU")


@contextmanager
def record_beats() -> Iterator[list[float]]:
    """Record when events are handled."""
    beats = [time.perf_counter()]
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(time.perf_counter()))
    timer.start(BEAT_MS)
    try:
        yield beats
    finally:
        timer.stop()
        beats.append(time.perf_counter())


@contextmanager
def record_collections() -> Iterator[list[float]]:
    """Record how many seconds each garbage collection takes."""
    durations: list[float] = []
    began = 0.0

    def record(phase: str, _: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.perf_counter()
        else:
            durations.append(time.perf_counter() - began)

    gc.callbacks.append(record)
    try:
        yield durations
    finally:
        gc.callbacks.remove(record)


def measure_opening(viewer: napari.Viewer) -> None:
    """Print the longest stall of reading, and of adding, when series are opened."""
    folder = folders.make_folder()
    for n in range(SERIES):
        folders.write_slices(folder / str(n), make_ct(n))
    with record_beats() as beats:
        settle(5)
    print(f"idle window: at most {max(np.diff(beats)) * 1e3:.0f} ms without events")
    added: list[float] = []
    viewer.layers.events.inserting.connect(lambda: added.append(time.perf_counter()))
    for name in ("first opening", "second opening"):
        added.clear()
        with record_beats() as beats, record_collections() as collections:
            viewer.open(folder, plugin="napari-medread")
            settle()
        reading = [beat for beat in beats if beat <= added[0]]
        adding = [beat for beat in beats if beat > added[0]]
        stalls = [max(np.diff(part), default=0.0) for part in (reading, [reading[-1], *adding])]
        print(
            f"{name}: {SERIES} series of {SHAPE}: at most {stalls[0] * 1e3:.0f} ms without events "
            f"while they are read, {stalls[0] / stalls[1]:.2f} x napari adding the layers "
            f"({stalls[1] * 1e3:.0f} ms); a garbage collection up to "
            f"{max(collections, default=0.0) * 1e3:.0f} ms"
        )
    viewer.layers.clear()


def measure_crop(viewer: napari.Viewer) -> None:
    """Print what a move of the crop box takes, against one drawing of the volume."""
    (layer,) = viewer._add_layer_from_data(*to_layer(make_ct()))
    settle()
    panel = viewer.window.add_plugin_dock_widget("napari-medread", "Volume rendering")[1]
    panel.presets.buttons[0].click()
    settle(1)
    drawing_time = _draw(viewer, layer)
    slider = panel.crop.sliders[2]
    start = QPoint(slider.width() - 8, slider.height() // 2)
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    began = time.perf_counter()
    for move in range(MOVES):
        QTest.mouseMove(slider, start - QPoint(4 * move, 0))
        QApplication.processEvents()
    per_move = (time.perf_counter() - began) / MOVES
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton)
    settle(1)
    print(
        f"crop box: {per_move * 1e3:.0f} ms a move, "
        f"{per_move / drawing_time:.2f} x napari drawing the volume ({drawing_time * 1e3:.0f} ms)"
    )


def _draw(viewer: napari.Viewer, layer: Layer) -> float:
    """Return the median seconds that the volume takes to be drawn."""
    canvas = viewer.window._qt_viewer.canvas.native
    durations = []
    for _ in range(5):
        layer.refresh(thumbnail=False, extent=False)
        began = time.perf_counter()
        canvas.grabFramebuffer()
        durations.append(time.perf_counter() - began)
    return float(np.median(durations))


def main() -> int:
    viewer = napari.Viewer()
    settle()
    measure_opening(viewer)
    measure_crop(viewer)
    viewer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
