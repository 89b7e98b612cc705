"""Dragging with the right mouse button changes width and center, as in a reading room."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from napari.layers import Image

from napari_medread.core.window_presets import dragged, window_of
from napari_medread.plugin.window_level.layer_windows import (
    function_of_layer,
    is_dark_above,
    is_whole,
    set_window,
)
from napari_medread.plugin.window_level.window_history import History, Looks, alive, looks_of


class RightDrag:
    """A drag with the right mouse button that changes width and center.

    It is one of a viewer's ``mouse_drag_callbacks``. What it does not take is left to napari,
    whose camera zooms with the right button: in 3D, with a key held down, where no image is
    selected, and when it is off.

    Parameters
    ----------
    layers : callable
        Returns the layers to drag, the one that decides first; none to leave it to napari.
    history : History
        Where a drag is one step.
    """

    def __init__(self, layers: Callable[[], Sequence[Image]], history: History) -> None:
        self.on = False
        self._layers, self._history = layers, history

    def __call__(self, viewer: Any, event: Any) -> Iterator[None] | None:
        """Take a press of the right button; napari runs what is returned while it moves."""
        if not self.on or event.button != 2 or event.modifiers or viewer.dims.ndisplay != 2:
            return None
        layers = self._layers()
        return self._drag(event, looks_of(layers)) if layers else None

    def _drag(self, event: Any, before: Looks) -> Iterator[None]:
        start = np.array(event.pos[:2], dtype=float)
        event.handled = True  # or the camera would zoom too
        try:
            yield
            while event.type == "mouse_move":
                event.handled = True
                right, down = np.asarray(event.pos[:2]) - start
                _move(before, float(right), float(-down))
                yield
            event.handled = True
        finally:  # a release that never comes ends it too, with the next press
            self._history.record(before)


def attach(drag: RightDrag, viewer: Any, owner: Any) -> None:
    """Let a viewer run a drag for as long as its owner lives."""
    viewer.mouse_drag_callbacks.append(drag)
    weakref.finalize(owner, _remove, weakref.ref(viewer), drag).atexit = False


def _remove(viewer_of: weakref.ref[Any], drag: RightDrag) -> None:
    viewer = viewer_of()
    if viewer is not None and drag in viewer.mouse_drag_callbacks:
        viewer.mouse_drag_callbacks.remove(drag)


def _move(before: Looks, right: float, up: float) -> None:
    """Give all layers the first one's window, dragged from where it was."""
    looks = list(alive(before))
    if not looks:
        return
    first, look = looks[0]
    function, whole = function_of_layer(first), is_whole(first)
    center, width = window_of(look.limits, function)
    brighter = -up if is_dark_above(look.colormap) else up
    center, width = dragged(center, width, right, brighter, function=function, whole=whole)
    for layer, _ in looks:
        set_window(layer, center, width)
