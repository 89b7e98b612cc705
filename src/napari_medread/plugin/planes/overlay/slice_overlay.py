"""Overlay and status text for the displayed slice."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_medread.core.axis_positions import format_axis_position
from napari_medread.plugin.gui.timers import make_timer
from napari_medread.plugin.planes.navigation.slice_navigation import find_displayed_slice
from napari_medread.plugin.planes.overlay.canvas_text import CanvasText
from napari_medread.plugin.planes.overlay.cursor_readout import CursorReadout, read_cursor
from napari_medread.plugin.planes.overlay.layer_geometries import LayerGeometries
from napari_medread.plugin.planes.overlay.orientation_letters import (
    OrientationLetters,
    find_edge_letters,
)

_SLICE_TEXT = "slice_shown"
"""Name of the overlay with the slice number."""

_FONT_SIZE = 10

_DIMS_EVENTS = ("order", "ndisplay", "point", "ndim", "range")
_LAYER_EVENTS = {
    "inserted", "removed", "reordered", "visible", "affine", "scale", "translate", "rotate",
    "shear", "data", "units", "axis_labels", "metadata", "name",
}  # fmt: skip
"""Events after which the overlay may have to show something else."""

_CURSOR_INTERVAL_MS = 30
"""Shortest time between two readouts of the cursor."""


class SliceOverlay(QObject):
    """Follows a viewer and writes orientation letters and the slice number on its canvas.

    Parameters
    ----------
    viewer : ViewerModel
        It is not kept alive.

    Attributes
    ----------
    geometries : LayerGeometries
        Of the viewer's layers.
    changed : Signal()
        Another slice, plane or layer is displayed.
    cursor_moved : Signal()
        The cursor was moved or has left the canvas, or something else may be under it.
    shows_letters, shows_slice : bool
        What to write; call ``update`` after a change.
    is_cursor_outside : bool
        Whether the cursor has left the canvas: nothing is under it.
    """

    changed = Signal()
    cursor_moved = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer_ref = weakref.ref(viewer)
        self.geometries = LayerGeometries(viewer)
        self._letters = OrientationLetters(viewer)
        self._slice_text = CanvasText(viewer, {_SLICE_TEXT: "bottom_left"}, _FONT_SIZE)
        self.shows_letters = self.shows_slice = True
        self.is_cursor_outside = False
        self._update_timer = make_timer(0, self._update)
        self._cursor_timer = make_timer(_CURSOR_INTERVAL_MS, self.cursor_moved.emit)
        for emitter, callback in self._followed_events(viewer):
            emitter.connect(callback)

    def _followed_events(self, viewer: Any) -> list[tuple[Any, Callable[..., None]]]:
        return [
            *((getattr(viewer.dims.events, name), self.update) for name in _DIMS_EVENTS),
            (viewer.scene.camera.events.orientation, self.update),
            (viewer.canvas.grid.events.enabled, self.update),
            (viewer.layers.selection.events.active, self.update),
            (viewer.layers.events, self._on_layers),
            (viewer.cursor.events.position, self._on_cursor),
            (viewer.events.mouse_over_canvas, self._on_mouse_over_canvas),
        ]

    def update(self, event: Any = None) -> None:
        """Update the text once, after all pending events."""
        del event
        self._update_timer.start()

    def stop(self) -> None:
        """Stop following the viewer; the text stays as it is."""
        self._update_timer.stop()
        self._cursor_timer.stop()
        viewer = self._viewer_ref()
        if viewer is not None:
            for emitter, callback in self._followed_events(viewer):
                emitter.disconnect(callback)

    def close(self) -> None:
        """Stop following the viewer, and remove the text."""
        self.stop()
        self._letters.close()
        self._slice_text.close()

    def describe_slice(self, separator: str = ", ") -> str:
        """Return the number and the position of the slice: ``Slice 30 of 60, S 88.1 mm``.

        Empty where there are no slices.
        """
        viewer = self._viewer_ref()
        displayed = None if viewer is None else find_displayed_slice(viewer)
        if displayed is None:
            return ""
        if not displayed.number:
            return f"Outside the {displayed.total} slices"
        number = format_axis_position("Slice", displayed.number, displayed.total)
        position = self.geometries.format_slice_position(displayed.layer, displayed.axis)
        return f"{number}{separator}{position}" if position else number

    def read_cursor(self) -> CursorReadout | None:
        """Return what is under the cursor; None where nothing is."""
        return None if self.is_cursor_outside else read_cursor(self.geometries)

    def _on_layers(self, event: Any) -> None:
        if event.type in _LAYER_EVENTS:
            self.geometries.forget_all()
            self.update()

    def _on_mouse_over_canvas(self, event: Any) -> None:
        if not event.value:
            self._report_cursor(is_outside=True)

    def _on_cursor(self, event: Any) -> None:
        del event
        self._report_cursor(is_outside=False)

    def _report_cursor(self, *, is_outside: bool) -> None:
        self.is_cursor_outside = is_outside
        self._read_cursor_soon()

    def _read_cursor_soon(self) -> None:
        if not self._cursor_timer.isActive():
            self._cursor_timer.start()

    def _update(self) -> None:
        if self._viewer_ref() is None:
            return
        self._letters.show(find_edge_letters(self.geometries) if self.shows_letters else None)
        self._slice_text.write(_SLICE_TEXT, self.describe_slice("\n") if self.shows_slice else "")
        self.changed.emit()
        self.cursor_moved.emit()
