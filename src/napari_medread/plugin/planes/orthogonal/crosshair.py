"""The crosshair on a canvas: where the patient's other two planes cross the displayed one."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.components.overlays import TextOverlay
from napari.utils.color import ColorValue
from vispy.scene.visuals import Line

from napari_medread.core.anatomical_directions import find_plane_along_axis
from napari_medread.plugin.gui.timers import CallBeforeDrawing
from napari_medread.plugin.planes.navigation.plane_switching import find_displayed_plane

PLANE_COLOURS = {"axial": "#ff6b5e", "coronal": "#63d463", "sagittal": "#f5c542"}
"""The colour of each plane: of its name, and of its lines in the others; as in 3D Slicer."""

_DARKENING = 0.55
"""By how much the colours are darkened for text on a light background."""

_GAP_PX = 9
"""Distance from the point at which the lines begin, so that it can be seen."""

_MAX_CLICK_MOVE_PX = 3
"""How far the mouse may move during a click."""

_LINE_LENGTH = 100
"""Length of a line from the point, in sizes of the displayed world."""

_DRAWING_ORDER = 10**6
"""Puts the lines above all layers."""

_TITLE = "plane_shown"
"""Name of the overlay with the plane's name."""


class Crosshair:
    """Draws the crosshair, names the plane, and moves the point to where the user clicks.

    A click without a drag moves the point; with Shift held down, it follows the mouse. While
    the mouse draws or edits in the active layer, it does not move the point. There is no
    crosshair in 3D and in napari's grid.

    Parameters
    ----------
    viewer : ViewerModel
    canvas : VispyCanvas
        The canvas that shows the viewer. Neither is kept alive.
    """

    def __init__(self, viewer: Any, canvas: Any) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._lines = Line(
            pos=np.zeros((8, 2)), connect="segments", width=1, parent=canvas.view.scene
        )
        self._lines.set_gl_state("translucent", depth_test=False)
        self._lines.order = _DRAWING_ORDER
        self._title = TextOverlay(position="top_left", font_size=10, box=True)
        viewer.canvas.overlays[_TITLE] = self._title
        self._draw_call = CallBeforeDrawing(self._draw)
        viewer.mouse_drag_callbacks.append(self._on_press)
        for emitter in self._followed_events(viewer):
            emitter.connect(self._on_change)
        self._draw()

    def _followed_events(self, viewer: Any) -> list[Any]:
        dims = viewer.dims.events
        return [
            *(dims.order, dims.ndisplay, dims.point, dims.ndim, dims.range),
            viewer.scene.camera.events.zoom,
            viewer.canvas.grid.events.enabled,
            viewer.canvas.events.background_color,
        ]

    def stop(self) -> None:
        """Stop following the viewer; the crosshair stays as it is drawn."""
        self._draw_call.stop()
        viewer = self._viewer_ref()
        if viewer is not None:
            for emitter in self._followed_events(viewer):
                emitter.disconnect(self._on_change)

    def close(self) -> None:
        """Stop following the viewer, and remove the crosshair and the plane's name."""
        self.stop()
        self._lines.parent = None
        viewer = self._viewer_ref()
        if viewer is None:
            return
        if self._on_press in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(self._on_press)
        self._title.visible = False
        if viewer.canvas.overlays.get(_TITLE) is self._title:
            del viewer.canvas.overlays[_TITLE]

    def _on_change(self, event: Any) -> None:
        del event
        self._draw_call.start()

    def _draw(self) -> None:
        viewer = self._viewer_ref()
        if viewer is None:
            return
        dims = viewer.dims
        plane = find_displayed_plane(viewer)
        is_shown = plane is not None and not viewer.canvas.grid.enabled
        self._lines.visible = self._title.visible = is_shown
        if not is_shown or plane is None:
            return
        down, right = dims.displayed
        ends = np.array([(axis_range.start, axis_range.stop) for axis_range in dims.range])
        length = _LINE_LENGTH * max(np.ptp(ends[[down, right]], axis=1).max(), 1.0)
        gap = _GAP_PX / viewer.scene.camera.zoom
        offsets = np.array([-length, -gap, gap, length])
        # vispy's coordinates on the canvas are (right, down).
        x, y = dims.point[right], dims.point[down]
        horizontal = np.stack([x + offsets, np.full(4, y)], axis=1)
        vertical = np.stack([np.full(4, x), y + offsets], axis=1)
        first = dims.ndim - 3
        colours = [PLANE_COLOURS[find_plane_along_axis(axis - first)] for axis in (down, right)]
        self._lines.set_data(
            pos=np.concatenate([horizontal, vertical]),
            color=np.repeat([ColorValue(colour) for colour in colours], 4, axis=0),
        )
        self._title.text = plane.capitalize()
        self._title.color = _find_title_colour(plane, viewer.canvas.background_color)

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None] | None:
        """Take a press of the left button; napari runs the returned generator while it moves."""
        modifiers = set(event.modifiers)
        if event.button != 1 or modifiers - {"Shift"} or find_displayed_plane(viewer) is None:
            return None
        active = viewer.layers.selection.active
        if active is not None and active.mode != "pan_zoom":
            return None
        return self._follow_mouse(viewer, event) if modifiers else self._click(viewer, event)

    def _follow_mouse(self, viewer: Any, event: Any) -> Iterator[None]:
        while event.type != "mouse_release":
            move_point_to(viewer, event.position)
            event.handled = True
            yield
        move_point_to(viewer, event.position)  # napari skips moves that come too fast

    def _click(self, viewer: Any, event: Any) -> Iterator[None]:
        start, distance = np.array(event.pos[:2], dtype=float), 0.0
        while event.type != "mouse_release":
            distance = max(distance, np.abs(event.pos[:2] - start).max())
            yield
        if max(distance, np.abs(event.pos[:2] - start).max()) <= _MAX_CLICK_MOVE_PX:
            move_point_to(viewer, event.position)


def _find_title_colour(plane: str, background: ColorValue) -> ColorValue:
    """Return the colour of a plane's name, darker on a light background."""
    colour = ColorValue(PLANE_COLOURS[plane])
    is_light = np.mean(background[:3]) > 0.5
    return ColorValue([*(colour[:3] * _DARKENING), 1.0]) if is_light else colour


def move_point_to(viewer: Any, position: Any) -> None:
    """Move the point of a viewer's sliders to a position in the displayed plane.

    Parameters
    ----------
    viewer : ViewerModel
    position : sequence of float
        In the world, one coordinate for each of the viewer's axes. Only the displayed axes
        count, and go to the nearest step of their sliders: napari's sliders would move the point
        there, and slice all layers once more.
    """
    dims = viewer.dims
    point = list(dims.point)
    for axis in dims.displayed:
        start, stop, step = dims.range[axis]
        steps = np.rint((np.clip(position[axis], start, stop) - start) / step)
        point[axis] = min(start + float(steps) * step, stop)
    dims.point = tuple(point)
