"""Compare three planes at once with what napari itself takes for the same planes.

A CT of 800 slices of 512 x 512 is shown, then the other two planes beside it. The peer is napari:
two of its canvases in the same place, with the same array, and the same slices shown one after
the other. Times are those that Qt's thread works, so that other programs matter little.

usage: tools/with-display.sh --xvfb .venv/bin/python benchmarks/three_planes.py
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import napari
import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QSplitter

from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Volume
from napari_medread.plugin.bridge.volume_to_layer import to_layer

SHAPE = (800, 512, 512)
MOVES = 9

_QUIET_TURNS = 60
"""Turns of the event loop in a row in which nothing happens, after which all is shown."""

_QUIET_S = 1e-3
"""Work in a turn in which nothing happens."""


class Measured(NamedTuple):
    """What one way of showing three planes takes.

    Attributes
    ----------
    pictures, shown : float
        Seconds until all pictures are drawn, and until nothing changes any more.
    longest : float
        The longest of them without a return to Qt.
    move : float
        Seconds for one move of the crosshair.
    draws : float
        How often a canvas is drawn for one move.
    """

    pictures: float
    shown: float
    longest: float
    move: float
    draws: float


def main() -> int:
    data = np.random.default_rng(0).integers(-1000, 1500, SHAPE, dtype=np.int16)
    # The second time, everything is imported.
    own = [_measure_napari(data) for _ in range(2)][1]
    ours = [_measure_three_planes(data) for _ in range(2)][1]
    _print("until three pictures are drawn", ours.pictures, own.pictures)
    _print("until everything is written on them", ours.shown, own.shown)
    _print("longest without a return to Qt", ours.longest, own.longest)
    _print("one move of the crosshair", ours.move, own.move)
    print(f"canvases drawn for one move: {ours.draws:.1f}, by napari {own.draws:.1f}")
    return 0


def _measure_three_planes(data: Any) -> Measured:
    viewer = _open_viewer(data)
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Planes and slices")
    _work()
    views = panel.tools.orthogonal_views
    pictures, longest = _work(panel.three_planes.native.click, _make_check(lambda: views.canvases))
    words, longest_after = _work()
    canvases = [each.qt_viewer.canvas for each in views.canvases]
    draws = _count_draws([viewer.window._qt_viewer.canvas, *canvases])
    moves = [_work(lambda n=n: _click(canvases[0].native, n))[0] for n in range(MOVES)]
    viewer.close()
    _work()
    return Measured(
        *(pictures, pictures + words, max(longest, longest_after)),
        *(statistics.median(moves), len(draws) / MOVES),
    )


def _measure_napari(data: Any) -> Measured:
    viewer = _open_viewer(data)
    viewer.window.add_plugin_dock_widget("napari-medread", "Planes and slices")
    _work()
    models = [ViewerModel(), ViewerModel()]

    def show() -> None:
        qt_viewer = viewer.window._qt_viewer
        column = QSplitter(Qt.Orientation.Vertical)
        qt_viewer.setOrientation(Qt.Orientation.Horizontal)
        qt_viewer.addWidget(column)
        qt_viewer.setSizes([1000, 1000])
        for model, order in zip(models, ((1, 0, 2), (2, 0, 1)), strict=True):
            canvas = QtViewer(model)
            canvas.dims.hide()
            layer = viewer.layers[0]
            model.add_layer(
                Image(data, scale=layer.scale, contrast_limits=layer.contrast_limits, units="mm")
            )
            model.dims.order = order
            column.addWidget(canvas)
        viewer.fit_to_view()

    pictures, longest = _work(show, _make_check(lambda: models))
    rest, longest_after = _work()
    qt_viewers = viewer.window._qt_window.findChildren(QtViewer)
    draws = _count_draws([each.canvas for each in qt_viewers])

    def move(n: int) -> None:
        for model in (viewer, *models):
            step = [steps // 2 + 5 * n for steps in model.dims.nsteps]
            model.dims.current_step = tuple(step)

    moves = [_work(lambda n=n: move(n))[0] for n in range(MOVES)]
    for each in qt_viewers[1:]:
        each.close()
        each.setParent(None)
    viewer.close()
    _work()
    return Measured(
        *(pictures, pictures + rest, max(longest, longest_after)),
        *(statistics.median(moves), len(draws) / MOVES),
    )


def _open_viewer(data: Any) -> napari.Viewer:
    viewer = napari.Viewer()
    viewer.window.resize(1400, 900)
    affine = np.diag([0.7, 0.7, 1.0, 1.0])[[2, 1, 0, 3]]
    volume = Volume(data, "CT", Geometry(SHAPE, affine), modality="CT", value_unit="HU")
    viewer._add_layer_from_data(*to_layer(volume))
    _work()
    return viewer


def _work(
    do: Callable[[], Any] | None = None, is_done: Callable[[], bool] | None = None
) -> tuple[float, float]:
    """Do something, and let Qt finish it.

    Parameters
    ----------
    do : callable, optional
    is_done : callable, optional
        Says when to stop; without it, when nothing happens any more.

    Returns
    -------
    tuple of float
        Seconds that this thread has worked, and of them the longest without a return to Qt.
    """
    start = last = time.thread_time()
    if do is not None:
        do()
    longest, quiet = 0.0, 0
    while quiet < _QUIET_TURNS if is_done is None else not is_done():
        QApplication.processEvents()
        now = time.thread_time()
        longest = max(longest, now - last)
        quiet = quiet + 1 if now - last < _QUIET_S else 0
        last = now
        time.sleep(2e-3)
    return last - start, longest


def _make_check(get_canvases: Callable[[], Sequence[Any]]) -> Callable[[], bool]:
    """Return a function that returns whether Qt has drawn both canvases since they were made."""
    turns = itertools.count()
    return lambda: len(get_canvases()) == 2 and next(turns) > 0


def _count_draws(canvases: list[Any]) -> list[None]:
    """Return a list that gets an entry each time a canvas is drawn."""
    draws: list[None] = []
    for canvas in canvases:
        canvas.events.draw.connect(lambda event: draws.append(None))
    return draws


def _click(canvas: Any, n: int) -> None:
    at = QPointF(canvas.width() / 2 - 50 + 11 * n, canvas.height() / 2 - 50 + 11 * n)
    button, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for kind, held in (
        (QEvent.Type.MouseButtonPress, button),
        (QEvent.Type.MouseButtonRelease, none),
    ):
        event = QMouseEvent(
            kind, at, canvas.mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(canvas, event)


def _print(name: str, seconds: float, napari_seconds: float) -> None:
    print(
        f"{name:<36} {seconds / napari_seconds:4.1f} times napari's own "
        f"({seconds * 1e3:.0f} ms, {(seconds - napari_seconds) * 1e3:+.0f} ms)"
    )


if __name__ == "__main__":
    sys.exit(main())
