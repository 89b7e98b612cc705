"""Dragging with the right mouse button changes width and center, as at a reading station."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from napari.layers import Image

from napari_medread.core.window_presets import drag_window, window_from_limits
from napari_medread.plugin.window_level.colormap_inversion import is_dark_at_high_values
from napari_medread.plugin.window_level.layer_windows import (
    find_window_function,
    has_integer_values,
    set_layer_window,
)
from napari_medread.plugin.window_level.window_history import (
    WindowHistory,
    WindowStates,
    iterate_existing_layers,
    read_window_states,
)


class WindowDrag:
    """A mouse callback that changes width and center while the right button is held down.

    It is one of a viewer's ``mouse_drag_callbacks``. Presses that it does not take go on to
    napari, whose camera zooms with the right button: in 3D, with a modifier key held down,
    where no image is selected, and while it is switched off.

    Parameters
    ----------
    find_layers : callable
        Returns the layers to change; the window of the first is dragged, the others get the
        same. None to leave the press to napari.
    history : WindowHistory
        Records each drag as one step.

    Attributes
    ----------
    is_on : bool
    """

    def __init__(self, find_layers: Callable[[], Sequence[Image]], history: WindowHistory) -> None:
        self.is_on = False
        self._find_layers, self._history = find_layers, history

    def __call__(self, viewer: Any, event: Any) -> Iterator[None] | None:
        """Take a press of the right button; napari runs the returned generator while it moves."""
        if not self.is_on or event.button != 2 or event.modifiers or viewer.dims.ndisplay != 2:
            return None
        layers = self._find_layers()
        return self._drag(event, read_window_states(layers)) if layers else None

    def _drag(self, event: Any, before: WindowStates) -> Iterator[None]:
        start = np.array(event.pos[:2], dtype=float)
        event.handled = True  # or the camera would zoom too
        try:
            yield
            while event.type == "mouse_move":
                event.handled = True
                right, down = np.asarray(event.pos[:2]) - start
                _drag_windows(before, float(right), float(-down))
                yield
            event.handled = True
        finally:  # without a release, the next press ends the drag
            self._history.record(before)


def attach_window_drag(drag: WindowDrag, viewer: Any, owner: Any) -> None:
    """Add a drag to a viewer's mouse callbacks for as long as its owner lives."""
    viewer.mouse_drag_callbacks.append(drag)
    weakref.finalize(owner, _detach, weakref.ref(viewer), drag).atexit = False


def _detach(viewer_ref: weakref.ref[Any], drag: WindowDrag) -> None:
    viewer = viewer_ref()
    if viewer is not None and drag in viewer.mouse_drag_callbacks:
        viewer.mouse_drag_callbacks.remove(drag)


def _drag_windows(before: WindowStates, right: float, up: float) -> None:
    """Drag the window that the first layer had before, and set all layers to the result.

    Parameters
    ----------
    before : list
        States of the layers at the start of the drag.
    right, up : float
        Distance dragged since then, in pixels of the screen.
    """
    existing = list(iterate_existing_layers(before))
    if not existing:
        return
    first, state = existing[0]
    function, whole = find_window_function(first), has_integer_values(first)
    center, width = window_from_limits(state.limits, function)
    brighter = -up if is_dark_at_high_values(state.colormap) else up
    center, width = drag_window(center, width, right, brighter, function=function, is_integer=whole)
    for layer, _ in existing:
        set_layer_window(layer, center, width)
