"""Axial, coronal and sagittal at once: side canvases beside the window's own, one crosshair."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from napari.layers import Layer
from qtpy.QtCore import QObject, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QSplitter, QWidget

from napari_medread.core.anatomical_directions import PLANE_AXES
from napari_medread.plugin.bridge.camera_fit import fit_to_visible_layers
from napari_medread.plugin.bridge.patient_space import PatientSpace
from napari_medread.plugin.gui.timers import make_timer
from napari_medread.plugin.gui.viewer_references import get_open_viewer
from napari_medread.plugin.planes.navigation.canvas_fit import CanvasFit, is_fitted_to_size
from napari_medread.plugin.planes.navigation.plane_switching import find_displayed_plane
from napari_medread.plugin.planes.orthogonal.crosshair import Crosshair
from napari_medread.plugin.planes.orthogonal.plane_canvas import (
    MIN_CANVAS_SIZE_PX,
    CanvasSettings,
    PlaneCanvas,
    find_qt_viewer,
)
from napari_medread.plugin.planes.orthogonal.volume_preload import VolumePreload

_EQUAL_HEIGHT = 1000
"""The splitter scales sizes to the room it has; equal ones make the canvases equally high."""


class OrthogonalViews(QObject):
    """Shows beside a window's canvas the planes of the patient that it does not show itself.

    There are two of them while it shows a plane, and three while it shows 3D. All are linked by
    the point of the sliders: a click in one moves the others. Lazy volumes are loaded into memory
    first, in the background.

    Parameters
    ----------
    viewer : Viewer
        It is not kept alive.
    patient_space : PatientSpace
        Of the viewer.

    Attributes
    ----------
    is_on : bool
    canvases : list of PlaneCanvas
        In the order axial, coronal, sagittal.
    cursor_moved : Signal(object)
        The cursor was moved over a side canvas or has left it; its ``SliceOverlay``.
    changed : Signal()
        Which layers are missing may have changed.
    """

    cursor_moved = Signal(object)
    changed = Signal()

    def __init__(self, viewer: Any, patient_space: PatientSpace) -> None:
        super().__init__()
        self._viewer_ref = weakref.ref(viewer)
        self._patient_space = patient_space
        self.is_on = False
        self._settings: CanvasSettings | None = None
        self._qt_viewer_ref: weakref.ref[Any] | None = None
        self._column: QSplitter | None = None
        self.canvases: list[PlaneCanvas] = []
        self._settled_count = 0
        self._crosshair: Crosshair | None = None
        self._preload: VolumePreload | None = None
        self._canvas_fit: CanvasFit | None = None
        self._arrange_timer = make_timer(0, self._arrange)
        self._fit_timer = make_timer(0, self._fit_main_canvas)
        self._point_beside_3d: tuple[float, ...] | None = None
        self._is_moving = False
        self._arranged_view: tuple[Any, ...] = ()

    def _followed_events(self, viewer: Any) -> list[tuple[Any, Callable[..., None]]]:
        dims = viewer.dims.events
        return [
            *((emitter, self.update) for emitter in (dims.order, dims.ndisplay, dims.ndim)),
            (dims.point, self._take_main_point),
            (viewer.events.reset_view, self._on_reset_view),
            (viewer.events.theme, self._on_theme),
        ]

    def switch(self, *, on: bool) -> None:
        """Show or remove the side canvases; the window may be about to close and do so itself."""
        viewer = self._viewer_ref()
        if viewer is None or on == self.is_on or (on and find_qt_viewer(viewer) is None):
            return
        self.is_on = on
        if on:
            self._open(viewer)
        else:
            self._close(viewer)

    def apply_settings(self, settings: CanvasSettings) -> None:
        """Let all side canvases, and those that are opened later, show and do the same."""
        self._settings = settings
        for canvas in self.canvases[: self._settled_count]:
            canvas.apply_settings(settings)

    def _open(self, viewer: Any) -> None:
        qt_viewer = find_qt_viewer(viewer)
        assert qt_viewer is not None  # noqa: S101  (``switch`` has checked it)
        self._qt_viewer_ref = weakref.ref(qt_viewer)
        self._column = QSplitter(Qt.Orientation.Vertical)
        self._column.setChildrenCollapsible(False)
        qt_viewer.setOrientation(Qt.Orientation.Horizontal)
        qt_viewer.addWidget(self._column)
        half = qt_viewer.width() // 2
        qt_viewer.setSizes([half, half])
        self._crosshair = Crosshair(viewer, qt_viewer.canvas)
        self._canvas_fit = CanvasFit(viewer)
        if viewer.dims.ndisplay == 3:
            # In patient space, the sliders have another point.
            self._point_beside_3d = self._patient_space.point or viewer.dims.point
        # Connected before the canvases: a volume that is not loaded leaves them before they move.
        self._preload = VolumePreload(viewer)
        self._preload.changed.connect(self._on_preload)
        for emitter, callback in self._followed_events(viewer):
            emitter.connect(callback)
        # Called before napari and patient space move the point.
        viewer.dims.events.ndisplay.connect(self._on_ndisplay, position="first")
        self._fit_timer.start()
        self._arrange_timer.start()

    def _close(self, viewer: Any) -> None:
        self._arrange_timer.stop()
        for emitter, callback in self._followed_events(viewer):
            emitter.disconnect(callback)
        viewer.dims.events.ndisplay.disconnect(self._on_ndisplay)
        for part in (self._preload, self._crosshair, self._canvas_fit):
            if part is not None:
                part.close()
        point = self._point_beside_3d
        if point is not None and len(point) == viewer.dims.ndim:
            if self._patient_space.point is None:
                viewer.dims.point = point
            else:
                self._patient_space.point = point
        self._preload = self._crosshair = self._canvas_fit = self._point_beside_3d = None
        for canvas in self.canvases:
            canvas.close()
        self.canvases.clear()
        self._settled_count = 0
        column, self._column = self._column, None
        if column is None:
            return
        with contextlib.suppress(RuntimeError):  # Qt has deleted it already, with its window
            column.hide()
            column.setParent(None)
            column.deleteLater()
            # Not searched for: a window that is being deleted must not be asked for its widgets.
            qt_viewer = None if self._qt_viewer_ref is None else self._qt_viewer_ref()
            if qt_viewer is not None:
                qt_viewer.setOrientation(Qt.Orientation.Vertical)
                self._fit_timer.start()

    def _fit_main_canvas(self) -> None:
        """Fit the layers to the size that the window's own canvas has now."""
        viewer = get_open_viewer(self._viewer_ref)
        if viewer is not None:
            fit_to_visible_layers(viewer)

    @property
    def point(self) -> tuple[float, ...]:
        """The point in which the planes cross."""
        viewer = self._viewer_ref()
        return self._point_beside_3d or (() if viewer is None else viewer.dims.point)

    def settle(self) -> None:
        """Take the point that was set beside 3D over into 2D; call it after all pending events."""
        viewer = self._viewer_ref()
        point = self._point_beside_3d
        if viewer is None or point is None or viewer.dims.ndisplay == 3:
            return
        self._point_beside_3d = None
        if len(point) == viewer.dims.ndim:
            first = viewer.dims.ndim - 3
            viewer.dims.point = (*viewer.dims.point[:first], *point[first:])
        self._take_main_point()

    def _arrange(self) -> None:
        """Show the planes that the window's own canvas does not show.

        One step at a time, as each takes napari a while, and the window responds in between: first
        the canvases, then what is written on them.
        """
        viewer = self._viewer_ref()
        if viewer is None or self._column is None or self._preload is None:
            return
        planes = _find_other_planes(viewer)
        self._arranged_view = _describe_view(viewer)
        self._column.setVisible(bool(planes))
        for canvas, plane in zip(self.canvases, planes, strict=False):
            canvas.show_plane(plane)
        for canvas in self.canvases[len(planes) :]:
            canvas.close()
        del self.canvases[len(planes) :]
        self._settled_count = min(self._settled_count, len(planes))
        self._take_main_point()
        if len(self.canvases) < len(planes):
            self._make_room(self._column, len(planes))
            self._open_canvas(viewer, planes[len(self.canvases)], self._column, self._preload)
        elif self._settled_count < len(planes) and self._settings is not None:
            self._settled_count += 1
            self.canvases[self._settled_count - 1].apply_settings(self._settings)
        else:
            return
        self._arrange_timer.start()

    def _make_room(self, column: QSplitter, count: int) -> None:
        """Give each canvas its room before it comes: a resized canvas is drawn again at once."""
        if column.count() == count:
            return
        while column.count() < count:
            room = QWidget()
            room.setMinimumSize(*MIN_CANVAS_SIZE_PX)
            column.addWidget(room)
        column.setSizes([_EQUAL_HEIGHT] * count)

    def _open_canvas(
        self, viewer: Any, plane: str, column: QSplitter, preload: VolumePreload
    ) -> None:
        """Show a plane in the next room of the column."""
        canvas = PlaneCanvas(viewer, plane, preload.is_ready, _make_point_getter(self))
        canvas.point_moved.connect(partial(self._on_point_moved, weakref.ref(canvas)))
        canvas.cursor_moved.connect(partial(self._on_cursor_moved, weakref.ref(canvas)))
        canvas.changed.connect(self.update)
        room = column.replaceWidget(len(self.canvases), canvas.qt_viewer)
        room.deleteLater()
        self.canvases.append(canvas)
        canvas.fit()

    def update(self, event: Any = None) -> None:
        """Update planes and points once, after all pending events."""
        del event
        if self.is_on:
            self._arrange_timer.start()

    def find_missing(self) -> list[Layer]:
        """Return the visible layers that the side canvases lack, as they were not loaded."""
        return [] if self._preload is None else self._preload.find_missing()

    def _on_preload(self) -> None:
        """Show all layers that can be sliced in any direction now, and no others."""
        for canvas in self.canvases:
            canvas.mirror.update()
        self.update()
        self.changed.emit()

    def _on_ndisplay(self, event: Any) -> None:
        viewer = self._viewer_ref()
        if viewer is not None and event.value == 3 and self._point_beside_3d is None:
            self._point_beside_3d = viewer.dims.point

    def _on_reset_view(self, event: Any) -> None:
        """Fit the side canvases too, unless the window's own was only turned or resized."""
        del event
        viewer = self._viewer_ref()
        if viewer is None or is_fitted_to_size(viewer):
            return
        if _describe_view(viewer) != self._arranged_view:
            return
        for canvas in self.canvases:
            canvas.fit()

    def _on_theme(self, event: Any) -> None:
        for canvas in self.canvases:
            canvas.model.theme = event.value

    def _take_main_point(self, event: Any = None) -> None:
        """Move all side canvases to the point of the window's sliders."""
        del event
        viewer = self._viewer_ref()
        if viewer is not None:
            self._link_points(viewer.dims)

    def _on_point_moved(self, canvas_ref: weakref.ref[PlaneCanvas]) -> None:
        canvas = canvas_ref()
        if canvas is not None:
            self._link_points(canvas.model.dims)

    def _on_cursor_moved(self, canvas_ref: weakref.ref[PlaneCanvas]) -> None:
        canvas = canvas_ref()
        if canvas is not None:
            self.cursor_moved.emit(canvas.overlay)

    def _link_points(self, source: Any) -> None:
        """Move all other canvases to the point of one.

        While 3D is shown, the spatial point of the window's own canvas is not linked: layers may
        be drawn elsewhere there, in patient space.

        Parameters
        ----------
        source : Dims
            Of the canvas that has moved.
        """
        viewer = self._viewer_ref()
        if viewer is None or self._is_moving:
            return
        first = source.ndim - 3
        is_beside_3d = self._point_beside_3d is not None
        if is_beside_3d and source is not viewer.dims:
            self._point_beside_3d = source.point
        self._is_moving = True
        try:
            for dims in (viewer.dims, *(canvas.model.dims for canvas in self.canvases)):
                if dims is source or dims.ndim != source.ndim:
                    continue
                involves_main = source is viewer.dims or dims is viewer.dims
                is_linked = not (is_beside_3d and involves_main)
                spatial = source.point[first:] if is_linked else dims.point[first:]
                dims.point = (*source.point[:first], *spatial)
        finally:
            self._is_moving = False


def _make_point_getter(views: OrthogonalViews) -> Callable[[], tuple[float, ...]]:
    """Return a function that returns the point in which planes cross, and keeps nothing alive."""
    views_ref = weakref.ref(views)

    def get_point() -> tuple[float, ...]:
        found = views_ref()
        return () if found is None else found.point

    return get_point


def _describe_view(viewer: Any) -> tuple[Any, ...]:
    """Return what napari fits the layers to the canvas after a change of."""
    return viewer.dims.order, viewer.dims.ndisplay


def _find_other_planes(viewer: Any) -> list[str]:
    """Return the planes that a viewer does not show itself."""
    if viewer.dims.ndim < 3:
        return []
    displayed = find_displayed_plane(viewer)
    return [plane for plane in PLANE_AXES if plane != displayed]
