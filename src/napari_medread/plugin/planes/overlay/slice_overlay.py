"""Overlay and status text for the displayed slice, and the point on other axes."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_medread.core.axis_positions import capitalise_label, format_axis_position
from napari_medread.plugin.bridge.leading_positions import LeadingPosition, find_slider_positions
from napari_medread.plugin.gui.timers import CallBeforeDrawing, make_timer
from napari_medread.plugin.planes.navigation.slice_navigation import (
    find_displayed_slice,
    find_sliced_layer,
)
from napari_medread.plugin.planes.overlay.canvas_text import CanvasText
from napari_medread.plugin.planes.overlay.cursor_readout import CursorReadout, read_cursor
from napari_medread.plugin.planes.overlay.layer_geometries import LayerGeometries
from napari_medread.plugin.planes.overlay.orientation_letters import (
    LETTER_FONT_SIZE,
    EdgeLetters,
    OrientationLetters,
    find_edge_letters,
)
from napari_medread.plugin.planes.overlay.text_fit import fit_text, measure_text

_SLICE_TEXT = "slice_shown"
"""Name of the overlay with the slice number."""

_SPACER = "slice_spacer"
"""Name of the empty overlay below it."""

_MARGIN_PX = 10
"""Distance between texts, and of texts from the edges of the canvas, as in napari."""

_DIMS_EVENTS = ("order", "ndisplay", "point", "ndim", "range")
_LAYER_EVENTS = {
    "inserted", "removed", "reordered", "visible", "affine", "scale", "translate", "rotate",
    "shear", "data", "units", "axis_labels", "metadata", "name",
}  # fmt: skip
"""Events after which the overlay may have to show something else."""

_CURSOR_INTERVAL_MS = 30
"""Shortest time between two readouts of the cursor."""


class SliceReadout(NamedTuple):
    """The displayed slice of a layer.

    Attributes
    ----------
    number : str
        ``30 of 60``, or where the slider is outside the layer.
    position : str
        ``S 88.1 mm``, or ``oblique``; empty where it is not known.
    """

    number: str
    position: str


class SliceOverlay(QObject):
    """Follows a viewer and writes letters, slice number and values of other axes on its canvas.

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
        Whether the cursor was not over the canvas yet, or has left it: nothing is under it.
    """

    changed = Signal()
    cursor_moved = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer_ref = weakref.ref(viewer)
        self.geometries = LayerGeometries(viewer)
        self._letters = OrientationLetters(viewer)
        # The spacer lifts the slice number above the letter at the bottom, where napari is set to
        # put texts at one position above each other. It puts them side by side otherwise.
        self._slice_text = CanvasText(
            viewer, {_SPACER: "bottom_left", _SLICE_TEXT: "bottom_left"}, LETTER_FONT_SIZE
        )
        self.shows_letters = self.shows_slice = True
        self.is_cursor_outside = True
        self._cursor_position = tuple(viewer.cursor.position)
        self._update_call = CallBeforeDrawing(self._update)
        self._cursor_timer = make_timer(_CURSOR_INTERVAL_MS, self.cursor_moved.emit)
        for emitter, callback in self._followed_events(viewer):
            emitter.connect(callback)

    def _followed_events(self, viewer: Any) -> list[tuple[Any, Callable[..., None]]]:
        return [
            *((getattr(viewer.dims.events, name), self.update) for name in _DIMS_EVENTS),
            (viewer.scene.camera.events.orientation, self.update),
            (viewer.canvas.grid.events.enabled, self.update),
            (viewer.canvas.events.size, self.update),
            (viewer.layers.selection.events.active, self.update),
            (viewer.layers.events, self._on_layers),
            (viewer.cursor.events.position, self._on_cursor),
            (viewer.events.mouse_over_canvas, self._on_mouse_over_canvas),
        ]

    def update(self, event: Any = None) -> None:
        """Update the text once, after all pending events."""
        del event
        self._update_call.start()

    def stop(self) -> None:
        """Stop following the viewer; the text stays as it is."""
        self._update_call.stop()
        with contextlib.suppress(RuntimeError):  # Qt has deleted it, at the end of the program
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

    def read_slice(self) -> SliceReadout | None:
        """Return number and position of the displayed slice; None where there are no slices."""
        viewer = self._viewer_ref()
        displayed = None if viewer is None else find_displayed_slice(viewer)
        if viewer is None or displayed is None:
            return None
        layer, axis = displayed.layer, displayed.axis - viewer.dims.ndim
        if any(each.axis - layer.ndim == axis for each in self.read_leading_positions()):
            return None  # a run over time of single images has no slices
        if not displayed.number:
            return SliceReadout(f"outside the {displayed.total} slices", "")
        return SliceReadout(
            format_axis_position("", displayed.number, displayed.total).strip(),
            self.geometries.format_slice_position(layer, displayed.axis),
        )

    def read_leading_positions(self) -> list[LeadingPosition]:
        """Return the point on the leading axes, such as time, of the layer whose slice it is."""
        viewer = self._viewer_ref()
        layer = None if viewer is None else find_sliced_layer(viewer)
        return [] if viewer is None or layer is None else find_slider_positions(viewer, layer)

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
        viewer = self._viewer_ref()
        if viewer is None:
            return
        before, self._cursor_position = self._cursor_position, tuple(viewer.cursor.position)
        # napari changes the position with sliders and layers too, wherever the cursor is: only a
        # change on the screen is a move.
        is_same_space = len(before) == len(self._cursor_position) == viewer.dims.ndim
        if is_same_space and any(
            before[axis] != self._cursor_position[axis] for axis in viewer.dims.displayed
        ):
            self._report_cursor(is_outside=False)
        else:
            self._read_cursor_soon()

    def _report_cursor(self, *, is_outside: bool) -> None:
        self.is_cursor_outside = is_outside
        self._read_cursor_soon()

    def _read_cursor_soon(self) -> None:
        if not self._cursor_timer.isActive():
            self._cursor_timer.start()

    def _update(self) -> None:
        if self._viewer_ref() is None:
            return
        letters = find_edge_letters(self.geometries) if self.shows_letters else None
        self._letters.show(letters)
        self._show_slice(letters)
        self.changed.emit()
        self.cursor_moved.emit()

    def _show_slice(self, letters: EdgeLetters | None) -> None:
        """Write in the lower left corner what fits there beside the letters, or above them."""
        viewer = self._viewer_ref()
        rows = self._list_rows() if self.shows_slice else []
        if viewer is None or not rows:
            self._slice_text.write(_SLICE_TEXT, "")
            self._slice_text.write(_SPACER, "")
            return
        letters = letters or EdgeLetters("", "", "", "")
        height, width = viewer.canvas.size
        bottom_width, bottom_height = measure_text(letters.bottom, LETTER_FONT_SIZE)
        if letters.left:
            height = (height - measure_text(letters.left, LETTER_FONT_SIZE)[1]) / 2
        beside_width = (width - bottom_width) / 2 if letters.bottom else width
        height -= 2 * _MARGIN_PX
        fitted = beside = fit_text(rows, beside_width - 2 * _MARGIN_PX, height)
        above = fit_text(rows, width - 2 * _MARGIN_PX, height - bottom_height - _MARGIN_PX)
        can_lift = str(viewer.canvas.overlay_tiling.bottom_left) == "vertical"
        if can_lift and beside.row_count < len(rows):
            fitted = max(beside, above)
        # The letter is drawn as large as this space, below the text.
        self._slice_text.write(_SPACER, " " if fitted is above else "", LETTER_FONT_SIZE)
        self._slice_text.write(_SLICE_TEXT, fitted.text, fitted.font_size)

    def _list_rows(self) -> list[tuple[str, ...]]:
        """Return what the lower left corner says, one row for the slice and one for each axis."""
        rows: list[tuple[str, ...]] = []
        if (displayed := self.read_slice()) is not None:
            number = displayed.number
            number = number.capitalize() if number[0].isalpha() else f"Slice {number}"
            rows += [(number,), *([(displayed.position,)] if displayed.position else [])]
        for each in self.read_leading_positions():
            position = format_axis_position(capitalise_label(each.label), each.number, each.total)
            rows.append((position, *([each.value] if each.value else [])))
        return rows
