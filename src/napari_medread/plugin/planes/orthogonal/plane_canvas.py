"""A side canvas that shows one plane of the patient beside the window's own canvas."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from napari.components import ViewerModel
from napari.layers import Layer
from napari.qt import QtViewer
from qtpy.QtCore import QObject, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QApplication

from napari_medread.core.anatomical_directions import order_axes_for_plane
from napari_medread.plugin.bridge.camera_fit import fit_to_visible_layers
from napari_medread.plugin.gui.viewer_references import unwrap_viewer
from napari_medread.plugin.planes.navigation.canvas_fit import CanvasFit
from napari_medread.plugin.planes.navigation.wheel_scrolling import WheelScrolling
from napari_medread.plugin.planes.orthogonal.crosshair import Crosshair
from napari_medread.plugin.planes.orthogonal.layer_mirror import LayerMirror
from napari_medread.plugin.planes.overlay.slice_overlay import SliceOverlay
from napari_medread.plugin.rendering.camera_views import PATIENT_ORIENTATION
from napari_medread.plugin.window_level.window_drag import WindowDrag

MIN_CANVAS_SIZE_PX = (180, 120)
"""Smallest width and height of a canvas: napari would leave next to nothing in a small window."""


class CanvasSettings(NamedTuple):
    """What a side canvas shows and does, the same as the window's own canvas."""

    shows_letters: bool
    shows_slice: bool
    scrolls_with_wheel: bool


class PlaneCanvas(QObject):
    """Shows one plane of the layers of a viewer.

    Parameters
    ----------
    viewer : Viewer
        With a window. It is not kept alive.
    plane : str
    is_ready, get_point : callable
        See ``LayerMirror``.

    Attributes
    ----------
    model : ViewerModel
    qt_viewer : QtViewer
        The widget, to be put into a layout.
    mirror : LayerMirror
    overlay : SliceOverlay
    point_moved : Signal()
        The user has moved the point of the model.
    cursor_moved : Signal()
        The cursor was moved over the canvas, or has left it.
    changed : Signal()
        Layers were added to the model, or removed from it.
    """

    point_moved = Signal()
    cursor_moved = Signal()
    changed = Signal()

    def __init__(
        self,
        viewer: Any,
        plane: str,
        is_ready: Callable[[Layer], bool],
        get_point: Callable[[], tuple[float, ...]],
    ) -> None:
        super().__init__()
        self._viewer_ref = weakref.ref(viewer)
        self._plane = plane
        self.model = model = ViewerModel()
        model.theme = viewer.theme
        model.canvas.overlay_tiling.bottom_left = "vertical"  # see ``SliceOverlay``
        self.qt_viewer = _SideQtViewer(model, find_qt_viewer(viewer))
        model.dims.events.ndim.connect(self._on_ndim)
        self.mirror = LayerMirror(viewer, model, is_ready, get_point)
        self.overlay = SliceOverlay(model)
        self.overlay.shows_letters = self.overlay.shows_slice = False  # until there are settings
        self._wheel = WheelScrolling(model)
        self._crosshair = Crosshair(model, self.qt_viewer.canvas)
        self._fit = CanvasFit(model)
        model.mouse_drag_callbacks.append(self._drag_window)
        for emitter, callback in self._followed_events():
            emitter.connect(callback)
        self_ref = weakref.ref(self)
        self.qt_viewer.destroyed.connect(lambda *_: _stop(self_ref()))

    def _followed_events(self) -> list[tuple[Any, Callable[..., None]]]:
        layers = self.model.layers.events
        return [
            (self.model.cursor.events.position, self._on_cursor),
            (self.model.events.mouse_over_canvas, self._on_cursor),
            (self.model.dims.events.point, self._on_point),
            *((emitter, self._on_layers) for emitter in (layers.inserted, layers.removed)),
        ]

    def apply_settings(self, settings: CanvasSettings) -> None:
        """Show and do what the settings say."""
        self.overlay.shows_letters = settings.shows_letters
        self.overlay.shows_slice = settings.shows_slice
        self._wheel.switch(on=settings.scrolls_with_wheel)
        self.overlay.update()

    def show_plane(self, plane: str) -> None:
        """Show a plane with the head or front up, not mirrored, all of it."""
        self._plane = plane
        dims = self.model.dims
        if dims.ndim >= 3 and dims.order != (order := order_axes_for_plane(plane, dims.ndim)):
            dims.order = order
            self.model.scene.camera.orientation = PATIENT_ORIENTATION
            self.fit()

    def fit(self) -> None:
        """Fit the visible layers to the canvas."""
        fit_to_visible_layers(self.model)

    def close(self) -> None:
        """Stop following the viewer, and close the canvas."""
        self._stop()
        with contextlib.suppress(RuntimeError):  # Qt has deleted it already, with its window
            self.qt_viewer.close()
            self.qt_viewer.setParent(None)

    def _stop(self) -> None:
        """Stop changing the model: its canvas may no longer exist."""
        for emitter, callback in self._followed_events():
            emitter.disconnect(callback)
        self.model.dims.events.ndim.disconnect(self._on_ndim)
        self._crosshair.stop()
        self._fit.close()
        self.overlay.stop()
        self.mirror.close()

    def _on_cursor(self, event: Any) -> None:
        del event
        self.cursor_moved.emit()

    def _on_point(self, event: Any) -> None:
        del event
        if not self.mirror.is_updating:
            self.point_moved.emit()

    def _on_ndim(self, event: Any) -> None:
        """Turn to the plane again before anything is drawn: new axes come up as axial."""
        del event
        self.show_plane(self._plane)

    def _on_layers(self, event: Any) -> None:
        del event
        self.changed.emit()

    def _drag_window(self, model: Any, event: Any) -> Iterator[None]:
        """Let the right button change the display window as it does in the window's own canvas."""
        viewer = self._viewer_ref()
        for callback in [] if viewer is None else viewer.mouse_drag_callbacks:
            if isinstance(callback, WindowDrag) and (drag := callback(model, event)) is not None:
                yield from drag


def _stop(canvas: PlaneCanvas | None) -> None:
    if canvas is not None:
        canvas._stop()


class _SideQtViewer(QtViewer):  # type: ignore[misc]  # napari has no types here
    """A canvas without sliders; dropped files and keys go to the window's own canvas."""

    def __init__(self, model: ViewerModel, main_qt_viewer: Any) -> None:
        super().__init__(model)
        self._main_ref = weakref.ref(main_qt_viewer)
        self.dims.hide()
        # Sliders move the point to their nearest step, even hidden ones: that is the window's part.
        for emitter in model.dims.events.emitters.values():
            emitter.disconnect(self.dims)
        self.canvas.native.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumSize(*MIN_CANVAS_SIZE_PX)

    def _bind_shortcuts(self) -> None:
        """Bind no keys again: napari's own method, private, takes a third of the time it takes."""

    def dropEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        main_qt_viewer = self._main_ref()
        if main_qt_viewer is not None:
            main_qt_viewer.dropEvent(event)


def find_qt_viewer(viewer: Any) -> Any | None:
    """Return napari's widget with the canvas of a viewer, None if there is no window."""
    for top_level in QApplication.topLevelWidgets():
        for qt_viewer in top_level.findChildren(QtViewer):
            if unwrap_viewer(qt_viewer.viewer) is viewer:
                return qt_viewer
    return None
