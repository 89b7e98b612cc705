"""The mouse wheel moves through slices, as in a reading room."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from napari_medread.plugin.gui.preferences import preference
from napari_medread.plugin.planes.navigation.slice_navigation import move, sliced_axis

_REPLACED = ("dims_scroll", "layers_scroll")
"""napari's own answers to the wheel."""

_PREFERENCES = {"Shift": "shift_step", "Alt": "alt_step"}
"""How many slices a notch moves while a key is held."""

_TO_THE_END = 10**6
"""More slices than any series has."""

_ZOOM = 1.007**30
"""By how much one notch zooms, as without this."""


class Wheel:
    """Turns the wheel over a viewer's canvas into steps through slices.

    Plain: one slice. With Shift: several. With Alt: to the end. With Ctrl: zooms at the
    cursor. In 3D, and where there are no slices, the wheel is napari's own.

    Attributes
    ----------
    is_on : bool
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_of = weakref.ref(viewer)
        self._own: list[Callable[[Any, Any], Any]] = []
        self.is_on = False
        self._progress = 0.0
        self._modifier = ""

    def switch(self, *, on: bool) -> None:
        """Switch it on or off; off leaves everything as it was."""
        viewer = self._viewer_of()
        if viewer is None or on == self.is_on:
            return
        callbacks = viewer.mouse_wheel_callbacks
        if on:
            self._own = [each for each in callbacks if _is_own(each)]
            callbacks[:] = [self._turned, *(each for each in callbacks if not _is_own(each))]
        else:
            callbacks[:] = [*self._own, *(each for each in callbacks if each != self._turned)]
        self.is_on = on

    def _turned(self, viewer: Any, event: Any) -> None:
        if sliced_axis(viewer) is None:
            for each in self._own:
                each(viewer, event)
            return
        modifier = _modifier(event)
        if modifier == "Control":
            _zoom(viewer, event)
        elif modifier is not None:
            self._scroll(viewer, event, modifier)
        event.handled = True

    def _scroll(self, viewer: Any, event: Any, modifier: str) -> None:
        x, y = float(event.delta[0]), float(event.delta[1])
        # With Shift or Alt, systems turn the wheel into one that goes sideways.
        delta = y if not modifier or abs(y) >= abs(x) else x
        # As napari does: one notch is one step, however many lines the system makes of it.
        turned = float(np.clip(delta, -1, 1)) * (1 if event.native.inverted() else -1)
        if modifier != self._modifier or turned * self._progress < 0:
            self._progress = 0.0
        self._modifier = modifier
        # Of a trackpad many small turns make a step.
        self._progress += turned
        steps = int(round(self._progress, 6))
        self._progress -= steps
        if not steps:
            return
        each = int(preference("browsing", _PREFERENCES[modifier])) if modifier else 1
        move(viewer, steps * (each or _TO_THE_END))


def _is_own(callback: Callable[..., Any]) -> bool:
    return callback.__module__.startswith("napari.") and callback.__name__ in _REPLACED


def _modifier(event: Any) -> str | None:
    """Return the key that is held, empty for none, None for several."""
    held = [each for each in ("Shift", "Control", "Alt", "Meta") if each in event.modifiers]
    if not held:
        return ""
    return held[0] if len(held) == 1 and held[0] != "Meta" else None


def _zoom(viewer: Any, event: Any) -> None:
    """Zoom by a turn of the wheel; what is under the cursor stays there."""
    camera = viewer.scene.camera
    if not camera.mouse_zoom:
        return
    factor = _ZOOM ** float(event.delta[1])
    centre = np.asarray(camera.center)[-2:]
    cursor = np.asarray(event.position)[list(viewer.dims.displayed)]
    camera.zoom *= factor
    camera.center = tuple(centre + (cursor - centre) * (1 - 1 / factor))
