"""How long the panels hold up the window: the longest stretches of Qt's thread, step by step.

Each panel is opened on a CT of 300 slices of 512 x 512, and used. What counts is the longest
call of ours at a stretch, without what napari itself slices and draws in it. The peer is
napari: how long it takes to show another slice.

usage: tools/with-display.sh --xvfb .venv/bin/python benchmarks/panels.py [PANEL ...]
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import napari
import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Volume
from napari_medread.plugin.layers import layer_of
from watch import settle, watched

SHAPE = (300, 512, 512)

Step = tuple[str, Callable[[], Any]]
"""What is done, and how."""


def planes(viewer: napari.Viewer) -> Iterator[Step]:
    panel = _open(viewer, "Planes and slices")
    for plane, button in panel.planes.items():
        yield plane, button.native.click
    yield "next slice", lambda: viewer.dims.set_current_step(0, 100)
    yield "move cursor", lambda: setattr(viewer.cursor, "position", viewer.dims.point)


def window(viewer: napari.Viewer) -> Iterator[Step]:
    panel = _open(viewer, "Window and level")
    yield "choose a window", lambda: panel.windows.native.setCurrentRow(1)
    yield "type a width", lambda: _type(panel.numbers.boxes["width"], "1234")
    yield "type an upper value", lambda: _type(panel.numbers.boxes["upper"], "900")
    yield "invert", panel.inverted.native.click
    yield "drag on the image", lambda: _drag_window(viewer)
    yield "back", panel.back.native.click
    yield "99 %", panel.percentiles.native.click
    yield "full range", lambda: _worked(panel, panel.run)
    yield "next slice", lambda: viewer.dims.set_current_step(0, 100)


def rendering(viewer: napari.Viewer) -> Iterator[Step]:
    panel = _open(viewer, "Volume rendering")
    for n, name in enumerate(("bone", "vessels")):
        yield name, panel.presets.buttons[n].click
    yield "from the left", panel.views.buttons[2].click
    for share in (0.2, 0.4):
        yield f"crop by {share}", lambda share=share: _crop(panel.crop.sliders[2], share)
    yield "reset the crop", panel.reset.native.click
    yield "back", panel.back.native.click
    yield "slices", lambda: setattr(viewer.dims, "ndisplay", 2)
    viewer.layers[0].metadata["modality"] = "MR"
    viewer.layers[0].metadata["value_unit"] = ""
    viewer.layers[0].events.data()
    yield "surface of an MR", panel.presets.buttons[2].click


PANELS = (planes, window, rendering)


def main(names: list[str]) -> int:
    panels = [panel for panel in PANELS if not names or panel.__name__ in names]
    for panel in panels:
        viewer = napari.Viewer()
        add_ct(viewer)
        settle()
        slice_time = _slice_time(viewer)
        print(f"{panel.__name__}: napari shows another slice in {slice_time * 1e3:.0f} ms")
        steps = iter(panel(viewer))
        with watched() as opening:
            first = next(steps)
            settle()
        _tell("open", opening, slice_time)
        for name, do in itertools.chain([first], steps):
            with watched() as stretches:
                do()
                settle()
            _tell(name, stretches, slice_time)
        viewer.close()
        settle()
    return 0


def add_ct(viewer: napari.Viewer) -> Layer:
    """Add a CT of random values to a viewer."""
    data = np.random.default_rng(0).integers(-1000, 1500, SHAPE, dtype=np.int16)
    affine = np.diag([0.7, 0.7, 1.0, 1.0])[[2, 1, 0, 3]]
    volume = Volume(data, "CT", Geometry(SHAPE, affine), modality="CT", value_unit="HU")
    (layer,) = viewer._add_layer_from_data(*layer_of(volume))
    return layer


def _open(viewer: napari.Viewer, name: str) -> Any:
    return viewer.window.add_plugin_dock_widget("napari-medread", name)[1]


def _type(box: Any, text: str) -> None:
    """Type a number and leave the box."""
    line = box.native.lineEdit()
    line.selectAll()
    QTest.keyClicks(line, text)
    QTest.keyClick(line, Qt.Key.Key_Return)


def _drag_window(viewer: napari.Viewer) -> None:
    """Drag over the canvas with the right button, in many small moves."""
    canvas = viewer.window._qt_viewer.canvas.native
    button, none = Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
    start = QPointF(canvas.rect().center())

    def send(kind: QEvent.Type, far: int, pressed: Any, held: Any) -> None:
        at = start + QPointF(far, -far)
        event = QMouseEvent(
            kind, at, canvas.mapToGlobal(at), pressed, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(canvas, event)
        QApplication.processEvents()

    send(QEvent.Type.MouseButtonPress, 0, button, button)
    for far in range(2, 80, 2):
        send(QEvent.Type.MouseMove, far, none, button)
    send(QEvent.Type.MouseButtonRelease, 80, button, none)


def _crop(slider: Any, share: float) -> None:
    """Move the far handle of a crop slider."""
    slider.setValue((0.0, slider.maximum() * (1 - share)))


def _worked(panel: Any, button: Any) -> None:
    """Click a button, and wait until its work is done."""
    button.native.click()
    while panel._work is not None:
        settle(0.02)


def _slice_time(viewer: napari.Viewer) -> float:
    """Return how long napari takes to cut and draw another slice, in seconds."""
    canvas = viewer.window._qt_viewer.canvas.native

    def shown(step: int) -> float:
        start = time.perf_counter()
        viewer.dims.set_current_step(0, step)
        canvas.repaint()
        return time.perf_counter() - start

    return statistics.median(shown(step) for step in range(100, 109))


def _tell(name: str, stretches: list[Any], slice_time: float) -> None:
    if not stretches:
        print(f"  {name:<32} nothing seen")
        return
    longest = stretches[0]
    print(
        f"  {name:<32} {longest.own * 1e3:4.0f} ms, {longest.own / slice_time:4.1f} slices "
        f"({longest.seconds * 1e3:4.0f} ms with napari's) in {longest.name}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
