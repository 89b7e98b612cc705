"""What is told of a viewer's slices while they are looked through."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_medread.plugin.gui.timers import timer
from napari_medread.plugin.planes.navigation.slice_navigation import Slice, slice_shown
from napari_medread.plugin.planes.navigation.wheel_scrolling import Wheel
from napari_medread.plugin.planes.overlay.canvas_text import CanvasText
from napari_medread.plugin.planes.overlay.layer_geometries import Places

_DIMS = ("order", "ndisplay", "point", "ndim", "range")
_OF_LAYERS = {
    "inserted", "removed", "reordered", "visible", "affine", "scale", "translate", "rotate",
    "shear", "data", "units", "axis_labels", "metadata", "name",
}  # fmt: skip
"""Events of layers after which something else is seen."""

_PAUSE = 30
"""In ms, between two looks at what is under the cursor."""


class Seen(QObject):
    """Follows a viewer, and tells over its canvas what is seen, until closed.

    Parameters
    ----------
    viewer : ViewerModel

    Attributes
    ----------
    changed : Signal()
        Another slice, plane or layer is shown.
    pointed : Signal()
        The cursor was moved.
    shows_letters, shows_slice : bool
        What to tell; call ``update`` after a change.
    """

    changed = Signal()
    pointed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer_of = weakref.ref(viewer)
        self.places = Places(viewer)
        self.wheel = Wheel(viewer)
        self._text = CanvasText(viewer)
        self.shows_letters = self.shows_slice = True
        self._soon, self._pause = timer(0, self._update), timer(_PAUSE, self.pointed.emit)
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

    def tell_as(self, other: Seen) -> None:
        """Tell of this viewer what is told of another, and turn its wheel into the same."""
        self.shows_letters, self.shows_slice = other.shows_letters, other.shows_slice
        self.wheel.switch(on=other.wheel.is_on)
        self.update()

    def stop(self) -> None:
        """Follow the viewer no more; what is told of it stays as it is."""
        self._soon.stop()
        self._pause.stop()
        viewer = self._viewer_of()
        if viewer is not None:
            for emitter, callback in self._followed(viewer):
                emitter.disconnect(callback)

    def close(self) -> None:
        """Take everything back, and follow the viewer no more."""
        self.stop()
        self.wheel.switch(on=False)
        self._text.close()

    def slice(self) -> Slice | None:
        """Return the slice that is shown."""
        viewer = self._viewer_of()
        return None if viewer is None else slice_shown(viewer)

    def said(self, between: str = ", ") -> str:
        """Return which slice is shown, and where it lies: ``Slice 30 of 60, S 88.1 mm``."""
        viewer, found = self._viewer_of(), self.slice()
        if viewer is None or found is None:
            return ""
        if not found.number:
            return f"Beside the {found.total} slices"
        place = self.places.of_slice(found.layer, found.axis)
        return f"Slice {found.number} of {found.total}" + (f"{between}{place}" if place else "")

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
        self._text.show(self.places.edges() if self.shows_letters else None)
        self._text.say(self.said("\n") if self.shows_slice else "")
        self.changed.emit()
        self.pointed.emit()
