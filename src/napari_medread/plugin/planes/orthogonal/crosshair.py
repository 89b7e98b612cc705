"""A crosshair over a canvas: where the patient's other two planes cut the one that is shown."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.components.overlays import TextOverlay
from napari.utils.color import ColorValue
from vispy.scene.visuals import Line

from napari_medread.core.anatomy import plane_along
from napari_medread.plugin.gui.timers import timer

COLORS = {"axial": "#ff6b5e", "coronal": "#63d463", "sagittal": "#f5c542"}
"""Of each plane's name and its lines in the others, as in 3D Slicer."""

_GAP = 9
"""Pixels around the point that stay free."""

_CLICK = 3
"""Pixels that the mouse may move in a click."""

_REACH = 100
"""How far lines go beyond the middle, in sizes of all that there is."""

_ABOVE = 10**6
"""Order in which it is drawn: after all layers."""

_TITLE = "plane_shown"


class Crosshair:
    """Draws the lines, names the plane, and goes where a person clicks.

    A click without a drag sends the point there; with Shift held down, it follows the mouse.
    Where the active layer is drawn on, the mouse is left to it, and there is no crosshair in
    3D and in napari's grid.

    Parameters
    ----------
    viewer : ViewerModel
    canvas : VispyCanvas
        The canvas that shows it. Neither is kept alive.
    """

    def __init__(self, viewer: Any, canvas: Any) -> None:
        self._viewer_of = weakref.ref(viewer)
        self._lines = Line(
            pos=np.zeros((8, 2)), connect="segments", width=1, parent=canvas.view.scene
        )
        self._lines.set_gl_state("translucent", depth_test=False)
        self._lines.order = _ABOVE
        self._title = TextOverlay(position="top_left", font_size=10, box=True, box_color="black")
        viewer.canvas.overlays[_TITLE] = self._title
        self._soon = timer(0, self._draw)
        viewer.mouse_drag_callbacks.append(self._pressed)
        for emitter in self._followed(viewer):
            emitter.connect(self._on_change)
        self._draw()

    def _followed(self, viewer: Any) -> list[Any]:
        dims = viewer.dims.events
        return [
            *(dims.order, dims.ndisplay, dims.point, dims.ndim, dims.range),
            viewer.scene.camera.events.zoom,
            viewer.canvas.grid.events.enabled,
        ]

    def stop(self) -> None:
        """Follow the viewer no more; what is drawn stays as it is."""
        self._soon.stop()
        viewer = self._viewer_of()
        if viewer is not None:
            for emitter in self._followed(viewer):
                emitter.disconnect(self._on_change)

    def close(self) -> None:
        """Take it away."""
        self.stop()
        self._lines.parent = None
        viewer = self._viewer_of()
        if viewer is None:
            return
        if self._pressed in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(self._pressed)
        self._title.visible = False
        if viewer.canvas.overlays.get(_TITLE) is self._title:
            del viewer.canvas.overlays[_TITLE]

    def _on_change(self, event: Any) -> None:
        del event
        self._soon.start()

    def _draw(self) -> None:
        viewer = self._viewer_of()
        if viewer is None:
            return
        dims = viewer.dims
        plane = plane_shown(viewer)
        is_shown = plane is not None and not viewer.canvas.grid.enabled
        self._lines.visible = self._title.visible = is_shown
        if not is_shown or plane is None:
            return
        down, right = dims.displayed
        ends = np.array([(each.start, each.stop) for each in dims.range])
        reach = _REACH * max(np.ptp(ends[[down, right]], axis=1).max(), 1.0)
        gap = _GAP / viewer.scene.camera.zoom
        steps = np.array([-reach, -gap, gap, reach])
        # The canvas counts to the right first.
        x, y = dims.point[right], dims.point[down]
        across = np.stack([x + steps, np.full(4, y)], axis=1)
        upright = np.stack([np.full(4, x), y + steps], axis=1)
        first = dims.ndim - 3
        colors = [COLORS[plane_along(axis - first)] for axis in (down, right)]
        self._lines.set_data(
            pos=np.concatenate([across, upright]),
            color=np.repeat([ColorValue(each) for each in colors], 4, axis=0),
        )
        self._title.text, self._title.color = plane.capitalize(), COLORS[plane]

    def _pressed(self, viewer: Any, event: Any) -> Iterator[None] | None:
        """Take a press of the left button; napari runs what is returned while it moves."""
        keys = set(event.modifiers)
        if event.button != 1 or keys - {"Shift"} or plane_shown(viewer) is None:
            return None
        active = viewer.layers.selection.active
        if active is not None and active.mode != "pan_zoom":
            return None
        return self._follow(viewer, event) if keys else self._click(viewer, event)

    def _follow(self, viewer: Any, event: Any) -> Iterator[None]:
        while event.type != "mouse_release":
            go_to(viewer, event.position)
            event.handled = True
            yield
        go_to(viewer, event.position)  # napari leaves out moves that come too fast

    def _click(self, viewer: Any, event: Any) -> Iterator[None]:
        start, far = np.array(event.pos[:2], dtype=float), 0.0
        while event.type != "mouse_release":
            far = max(far, np.abs(event.pos[:2] - start).max())
            yield
        if max(far, np.abs(event.pos[:2] - start).max()) <= _CLICK:
            go_to(viewer, event.position)


def plane_shown(viewer: Any) -> str | None:
    """Return the plane of the patient that a viewer shows, None if none."""
    dims = viewer.dims
    if dims.ndisplay != 2 or dims.ndim < 3:
        return None
    first = dims.ndim - 3
    sliced = {first, first + 1, first + 2}.difference(dims.displayed)
    return plane_along(sliced.pop() - first) if len(sliced) == 1 else None


def go_to(viewer: Any, place: Any) -> None:
    """Send the point that a viewer's sliders show to a place in what it shows, not beyond it."""
    dims = viewer.dims
    point = list(dims.point)
    for axis in dims.displayed:
        point[axis] = float(np.clip(place[axis], dims.range[axis].start, dims.range[axis].stop))
    dims.point = tuple(point)
