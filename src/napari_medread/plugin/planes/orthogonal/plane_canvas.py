"""A canvas that shows one plane of the patient beside a window's own."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from napari.qt import QtViewer
from qtpy.QtCore import QObject, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QApplication

from napari_medread.core.anatomy import plane_order
from napari_medread.plugin.gui.viewer_references import unwrapped
from napari_medread.plugin.planes.orthogonal.canvas_fit import Fitted
from napari_medread.plugin.planes.orthogonal.crosshair import Crosshair
from napari_medread.plugin.planes.orthogonal.layer_mirror import Mirror
from napari_medread.plugin.planes.overlay.slice_overlay import Seen
from napari_medread.plugin.planes.plane_commands import READING_ROOM
from napari_medread.plugin.window_level.window_drag import RightDrag

_SMALLEST = (180, 120)
"""Of a canvas, in pixels: napari's own may leave next to nothing in a small window."""


class PlaneCanvas(QObject):
    """Shows one plane of what a viewer shows.

    Parameters
    ----------
    viewer : Viewer
        With a window. It is not kept alive.
    is_ready : callable
        See ``Mirror``.
    point : tuple of float
        What to show first.

    Attributes
    ----------
    model : ViewerModel
    window : QtViewer
        To be put into a layout.
    mirror : Mirror
    seen : Seen
    moved : Signal()
        A person has moved its point.
    pointed : Signal()
        The cursor was moved over it.
    changed : Signal()
        It has other layers.
    """

    moved = Signal()
    pointed = Signal()
    changed = Signal()

    def __init__(
        self, viewer: Any, is_ready: Callable[[Layer], bool], point: tuple[float, ...]
    ) -> None:
        super().__init__()
        self._viewer_of = weakref.ref(viewer)
        self.model = model = ViewerModel()
        model.theme = viewer.theme
        self.window = _Window(model, window_of(viewer))
        self.mirror = Mirror(viewer, model, is_ready)
        if model.dims.ndim == len(point):
            model.dims.point = point
        self.seen = Seen(model)
        self._crosshair = Crosshair(model, self.window.canvas)
        self._fitted = Fitted(model)
        model.mouse_drag_callbacks.append(self._dragged)
        for emitter, callback in self._followed():
            emitter.connect(callback)
        this = weakref.ref(self)
        self.window.destroyed.connect(lambda *_: _stop(this()))

    def _followed(self) -> list[tuple[Any, Callable[..., None]]]:
        layers = self.model.layers.events
        return [
            (self.model.cursor.events.position, self._on_cursor),
            (self.model.dims.events.point, self._on_point),
            *((each, self._on_layers) for each in (layers.inserted, layers.removed)),
        ]

    def show_plane(self, plane: str) -> None:
        """Show a plane as a reading room does, all of it."""
        if self.model.dims.ndim < 3:
            return
        order = plane_order(plane, self.model.dims.ndim)
        if self.model.dims.order != order:
            self.model.dims.order = order
            self.model.scene.camera.orientation = READING_ROOM
            self.model.fit_to_view()

    def close(self) -> None:
        """Take it away."""
        self._stop()
        with contextlib.suppress(RuntimeError):  # Qt was faster: its window is being closed
            self.window.close()
            self.window.setParent(None)

    def _stop(self) -> None:
        """Leave the model alone: what it tells its canvas would not be heard any more."""
        for emitter, callback in self._followed():
            emitter.disconnect(callback)
        self._crosshair.stop()
        self._fitted.close()
        self.seen.stop()
        self.mirror.close()

    def _on_cursor(self, event: Any) -> None:
        del event
        self.pointed.emit()

    def _on_point(self, event: Any) -> None:
        del event
        if not self.mirror.is_busy:
            self.moved.emit()

    def _on_layers(self, event: Any) -> None:
        del event
        self.changed.emit()

    def _dragged(self, model: Any, event: Any) -> Iterator[None]:
        """Let the right button change the window here as it does in the window's own canvas."""
        viewer = self._viewer_of()
        for callback in [] if viewer is None else viewer.mouse_drag_callbacks:
            if isinstance(callback, RightDrag) and (drag := callback(model, event)) is not None:
                yield from drag


def _stop(canvas: PlaneCanvas | None) -> None:
    if canvas is not None:
        canvas._stop()


class _Window(QtViewer):  # type: ignore[misc]  # napari has no types here
    """A canvas without sliders; files dropped on it, and keys, go to the window's own."""

    def __init__(self, model: ViewerModel, home: Any) -> None:
        super().__init__(model)
        self._home = weakref.ref(home)
        self.dims.hide()
        self.canvas.native.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumSize(*_SMALLEST)

    def dropEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        home = self._home()
        if home is not None:
            home.dropEvent(event)


def window_of(viewer: Any) -> Any | None:
    """Return napari's widget that shows a viewer, None if there is no window."""
    for top in QApplication.topLevelWidgets():
        for found in top.findChildren(QtViewer):
            if unwrapped(found.viewer) is viewer:
                return found
    return None
