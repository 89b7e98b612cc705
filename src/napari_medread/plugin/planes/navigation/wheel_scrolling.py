"""The mouse wheel moves through slices, as at a reading station."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from napari_medread.plugin.gui.preferences import get_preference
from napari_medread.plugin.planes.navigation.slice_navigation import find_scroll_axis, move_slices

_NAPARI_CALLBACKS = ("dims_scroll", "layers_scroll")
"""napari's own wheel callbacks, which are replaced."""

_STEP_PREFERENCES = {"Shift": "shift_step", "Alt": "alt_step"}
"""The preference that says how many slices a notch moves while a modifier key is held."""

_ALL_SLICES = 10**6
"""More slices than any series has: moves to the end."""

_ZOOM_PER_NOTCH = 1.007**30
"""The factor by which one notch zooms, the same as napari's."""


class WheelScrolling:
    """Turns the wheel over a viewer's canvas into steps through slices.

    Without a modifier key, a notch moves one slice; with Shift several; with Alt to the end.
    With Ctrl it zooms at the cursor. In 3D, and where there are no slices, the wheel does what it
    does in napari.

    Attributes
    ----------
    is_on : bool
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._replaced_callbacks: list[Callable[[Any, Any], Any]] = []
        self.is_on = False
        self._pending_turn = 0.0
        self._last_modifier = ""

    def switch(self, *, on: bool) -> None:
        """Switch scrolling on or off; off restores napari's callbacks."""
        viewer = self._viewer_ref()
        if viewer is None or on == self.is_on:
            return
        callbacks = viewer.mouse_wheel_callbacks
        if on:
            self._replaced_callbacks = [call for call in callbacks if _is_napari_callback(call)]
            others = [call for call in callbacks if not _is_napari_callback(call)]
            callbacks[:] = [self._on_wheel, *others]
        else:
            others = [call for call in callbacks if call != self._on_wheel]
            callbacks[:] = [*self._replaced_callbacks, *others]
        self.is_on = on

    def _on_wheel(self, viewer: Any, event: Any) -> None:
        if find_scroll_axis(viewer) is None:
            for callback in self._replaced_callbacks:
                callback(viewer, event)
            return
        modifier = _get_modifier(event)
        if modifier == "Control":
            _zoom_at_cursor(viewer, event)
        elif modifier is not None:
            self._scroll(viewer, event, modifier)
        event.handled = True

    def _scroll(self, viewer: Any, event: Any, modifier: str) -> None:
        x, y = float(event.delta[0]), float(event.delta[1])
        # With Shift or Alt, operating systems report a horizontal turn.
        delta = y if not modifier or abs(y) >= abs(x) else x
        # As in napari, one notch is one step, however many lines the system makes of it.
        turn = float(np.clip(delta, -1, 1)) * (1 if event.native.inverted() else -1)
        if modifier != self._last_modifier or turn * self._pending_turn < 0:
            self._pending_turn = 0.0
        self._last_modifier = modifier
        # A trackpad reports many small turns, which add up to a step.
        self._pending_turn += turn
        steps = int(round(self._pending_turn, 6))
        self._pending_turn -= steps
        if not steps:
            return
        slices = int(get_preference("browsing", _STEP_PREFERENCES[modifier])) if modifier else 1
        move_slices(viewer, steps * (slices or _ALL_SLICES))


def _is_napari_callback(callback: Callable[..., Any]) -> bool:
    return callback.__module__.startswith("napari.") and callback.__name__ in _NAPARI_CALLBACKS


def _get_modifier(event: Any) -> str | None:
    """Return the modifier key that is held, empty for none, None for several or Meta."""
    held = [key for key in ("Shift", "Control", "Alt", "Meta") if key in event.modifiers]
    if not held:
        return ""
    return held[0] if len(held) == 1 and held[0] != "Meta" else None


def _zoom_at_cursor(viewer: Any, event: Any) -> None:
    """Zoom by a turn of the wheel, keeping the position under the cursor where it is."""
    camera = viewer.scene.camera
    if not camera.mouse_zoom:
        return
    factor = _ZOOM_PER_NOTCH ** float(event.delta[1])
    centre = np.asarray(camera.center)[-2:]
    cursor = np.asarray(event.position)[list(viewer.dims.displayed)]
    camera.zoom *= factor
    camera.center = tuple(centre + (cursor - centre) * (1 - 1 / factor))
