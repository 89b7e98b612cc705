"""What is kept up to date while a viewer's slices are looked through."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_medread.plugin.letters import CanvasText
from napari_medread.plugin.patientspace import PatientSpace
from napari_medread.plugin.places import Places
from napari_medread.plugin.planes import KEYS, show_plane
from napari_medread.plugin.slices import Slice, slice_shown
from napari_medread.plugin.wheel import Wheel

_DIMS = ("order", "ndisplay", "point", "ndim", "range")
_OF_LAYERS = {
    "inserted", "removed", "reordered", "visible", "affine", "scale", "translate", "rotate",
    "shear", "data", "units", "axis_labels", "metadata", "name",
}  # fmt: skip
"""Events of layers after which something else is seen."""

_PAUSE = 30
"""In ms, between two looks at what is under the cursor."""


class Viewing(QObject):
    """Follows a viewer: its letters, slices, wheel, keys and patient space, until closed.

    Attributes
    ----------
    changed : Signal()
        Another slice, plane or layer is shown.
    pointed : Signal()
        The cursor was moved.
    """

    changed = Signal()
    pointed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer_of = weakref.ref(viewer)
        self.places = Places(viewer)
        self.wheel = Wheel(viewer)
        self.patient_space = PatientSpace(viewer)
        self._text = CanvasText(viewer)
        self.shows_letters = self.shows_slice = True
        self._soon, self._pause = _timer(0, self._update), _timer(_PAUSE, self.pointed.emit)
        self._keys: dict[str, Callable[[Any], None]] = {}
        self._bind_keys(viewer)
        for emitter, callback in self._followed(viewer):
            emitter.connect(callback)

    def _followed(self, viewer: Any) -> list[tuple[Any, Callable[..., None]]]:
        return [
            *((getattr(viewer.dims.events, name), self.update) for name in _DIMS),
            (viewer.scene.camera.events.orientation, self.update),
            (viewer.canvas.grid.events.enabled, self.update),
            (viewer.layers.selection.events.active, self.update),
            (viewer.layers.events, self._on_layers),
            (viewer.cursor.events.position, self._on_cursor),
        ]

    def update(self, event: Any = None) -> None:
        """Bring everything up to date, once, when all that is going on is over."""
        del event
        self._soon.start()

    def close(self) -> None:
        """Take everything back, and follow the viewer no more."""
        self._soon.stop()
        self._pause.stop()
        viewer = self._viewer_of()
        if viewer is None:
            return
        for emitter, callback in self._followed(viewer):
            emitter.disconnect(callback)
        for key, function in self._keys.items():
            if function in viewer.keymap.values():
                viewer.bind_key(key, None)
        self.wheel.switch(on=False)
        self.patient_space.close()
        self._text.close()

    def slice(self) -> Slice | None:
        """Return the slice that is shown."""
        viewer = self._viewer_of()
        return None if viewer is None else slice_shown(viewer)

    def said(self) -> str:
        """Return which slice is shown, and where it lies: ``Slice 30 of 60, S 88.1 mm``."""
        viewer, found = self._viewer_of(), self.slice()
        if viewer is None or found is None:
            return ""
        if not found.number:
            return f"Beside the {found.total} slices"
        place = self.places.of_slice(found.layer, found.axis)
        return f"Slice {found.number} of {found.total}" + (f", {place}" if place else "")

    def _bind_keys(self, viewer: Any) -> None:
        for plane, key in KEYS.items():
            function = _shower(plane)
            with contextlib.suppress(ValueError):  # a person has given it to something else
                viewer.bind_key(key, function)
                self._keys[key] = function

    def _on_layers(self, event: Any) -> None:
        if event.type in _OF_LAYERS:
            self.places.forget()
            self.update()

    def _on_cursor(self, event: Any) -> None:
        del event
        if not self._pause.isActive():
            self._pause.start()

    def _update(self) -> None:
        if self._viewer_of() is None:
            return
        self.patient_space.settle()
        self._text.show(self.places.edges() if self.shows_letters else None)
        self._text.say(self.said() if self.shows_slice else "")
        self.changed.emit()
        self.pointed.emit()


def _timer(milliseconds: int, function: Callable[[], Any]) -> QTimer:
    timer = QTimer()
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(function)
    return timer


def _shower(plane: str) -> Callable[[Any], None]:
    """Return what a key does; it keeps nothing alive."""

    def show(viewer: Any) -> None:
        show_plane(viewer, plane)

    return show
