"""Axial, coronal and sagittal at once: canvases beside the window's own, with one crosshair."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from napari.layers import Layer
from qtpy.QtCore import QObject, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QSplitter

from napari_medread.core.anatomy import PLANES
from napari_medread.plugin.bridge.patient_space import PatientSpace
from napari_medread.plugin.gui.timers import timer
from napari_medread.plugin.gui.viewer_references import open_viewer
from napari_medread.plugin.planes.orthogonal.canvas_fit import Fitted
from napari_medread.plugin.planes.orthogonal.crosshair import Crosshair, plane_shown
from napari_medread.plugin.planes.orthogonal.plane_canvas import PlaneCanvas, window_of
from napari_medread.plugin.planes.orthogonal.volume_preload import ReadAhead
from napari_medread.plugin.planes.overlay.slice_overlay import Seen


class ThreePlanes(QObject):
    """Shows beside a window's canvas the planes of the patient that it does not show itself.

    Two while it shows one of them, all three while it shows 3D. All cut the point that the
    window's sliders show, and take it with them: a click in one moves the others.

    What has to be read for them is read beside the window first.

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
        In the order of axial, coronal, sagittal.
    pointed : Signal(object)
        The cursor was moved over one of them; its ``Places``.
    changed : Signal()
        Other layers are missing than before.
    """

    pointed = Signal(object)
    changed = Signal()

    def __init__(self, viewer: Any, patient_space: PatientSpace) -> None:
        super().__init__()
        self._viewer_of = weakref.ref(viewer)
        self._patient_space = patient_space
        self.is_on = False
        self._told: Seen | None = None
        self._column: QSplitter | None = None
        self.canvases: list[PlaneCanvas] = []
        self._crosshair: Crosshair | None = None
        self._reading: ReadAhead | None = None
        self._soon, self._fitting = timer(0, self._arrange), timer(0, self._fit)
        self._fitted: Fitted | None = None
        self._place: tuple[float, ...] | None = None
        self._is_moving = False

    def _followed(self, viewer: Any) -> list[tuple[Any, Callable[..., None]]]:
        dims = viewer.dims.events
        return [
            *((each, self.update) for each in (dims.order, dims.ndisplay, dims.ndim)),
            (dims.point, self._take_point),
            (viewer.events.theme, self._on_theme),
        ]

    def switch(self, *, on: bool) -> None:
        """Show the planes, or take them away; the window may be about to do that itself."""
        viewer = self._viewer_of()
        if viewer is None or on == self.is_on or (on and window_of(viewer) is None):
            return
        self.is_on = on
        if on:
            self._open(viewer)
        else:
            self._close(viewer)

    def tell_as(self, other: Seen) -> None:
        """Tell of the planes what is told of another canvas."""
        self._told = other
        for canvas in self.canvases:
            canvas.seen.tell_as(other)

    def _open(self, viewer: Any) -> None:
        window = window_of(viewer)
        assert window is not None  # noqa: S101  (asked before)
        self._column = QSplitter(Qt.Orientation.Vertical)
        self._column.setChildrenCollapsible(False)
        window.setOrientation(Qt.Orientation.Horizontal)
        window.addWidget(self._column)
        half = window.width() // 2
        window.setSizes([half, half])
        self._crosshair = Crosshair(viewer, window.canvas)
        self._fitted = Fitted(viewer)
        if viewer.dims.ndisplay == 3:
            # In patient space, the sliders' own point is another.
            self._place = self._patient_space.point or viewer.dims.point
        # Hears of the point first: what was not read there leaves the planes before they move.
        self._reading = ReadAhead(viewer)
        self._reading.changed.connect(self._on_read)
        for emitter, callback in self._followed(viewer):
            emitter.connect(callback)
        # Before napari and patient space move the point.
        viewer.dims.events.ndisplay.connect(self._on_ndisplay, position="first")
        self._fitting.start()
        self._arrange()

    def _close(self, viewer: Any) -> None:
        self._soon.stop()
        for emitter, callback in self._followed(viewer):
            emitter.disconnect(callback)
        viewer.dims.events.ndisplay.disconnect(self._on_ndisplay)
        for part in (self._reading, self._crosshair, self._fitted):
            if part is not None:
                part.close()
        if self._place is not None and len(self._place) == viewer.dims.ndim:
            if self._patient_space.point is None:
                viewer.dims.point = self._place
            else:
                self._patient_space.point = self._place
        self._reading = self._crosshair = self._fitted = self._place = None
        for canvas in self.canvases:
            canvas.close()
        self.canvases.clear()
        column, self._column = self._column, None
        with contextlib.suppress(RuntimeError):  # the window is being closed, and Qt was faster
            if column is not None:
                column.hide()
                column.setParent(None)
                column.deleteLater()
            window = window_of(viewer)
            if window is not None:
                window.setOrientation(Qt.Orientation.Vertical)
                self._fitting.start()

    def _fit(self) -> None:
        """Fit what is seen to the room that the window's own canvas has now."""
        viewer = open_viewer(self._viewer_of)
        if viewer is not None:
            viewer.fit_to_view()

    @property
    def point(self) -> tuple[float, ...]:
        """Return the point in which the planes cross."""
        viewer = self._viewer_of()
        return self._place or (() if viewer is None else viewer.dims.point)

    def settle(self) -> None:
        """Bring the point that was found beside 3D back to 2D; called when all else has ended."""
        viewer = self._viewer_of()
        place = self._place
        if viewer is None or place is None or viewer.dims.ndisplay == 3:
            return
        self._place = None
        if len(place) == viewer.dims.ndim:
            first = viewer.dims.ndim - 3
            viewer.dims.point = (*viewer.dims.point[:first], *place[first:])
        self._take_point()

    def _arrange(self) -> None:
        """Show as many planes as the window's own canvas leaves over."""
        viewer = self._viewer_of()
        if viewer is None or self._column is None or self._reading is None:
            return
        planes = _others(viewer)
        self._column.setVisible(bool(planes))
        for canvas, plane in zip(self.canvases, planes, strict=False):
            canvas.show_plane(plane)
        for canvas in self.canvases[len(planes) :]:
            canvas.close()
        del self.canvases[len(planes) :]
        self._take_point()
        if len(self.canvases) == len(planes):
            return
        # One at a time: the window goes on in between, as each takes napari a while.
        canvas = PlaneCanvas(viewer, self._reading.is_ready, self.point)
        canvas.moved.connect(partial(self._on_moved, weakref.ref(canvas)))
        canvas.pointed.connect(partial(self._on_pointed, weakref.ref(canvas)))
        canvas.changed.connect(self.update)
        self.canvases.append(canvas)
        self._column.addWidget(canvas.window)
        self._column.setSizes([1000] * len(self.canvases))  # all of them alike
        canvas.show_plane(planes[len(self.canvases) - 1])
        if self._told is not None:
            canvas.seen.tell_as(self._told)
        self._soon.start()

    def update(self, event: Any = None) -> None:
        """Bring planes and points up to date, once, when all that is going on is over."""
        del event
        if self.is_on:
            self._soon.start()

    def missing(self) -> list[Layer]:
        """Return the visible layers that the planes lack, as they were not read."""
        return [] if self._reading is None else self._reading.missing()

    def _on_read(self) -> None:
        """Show what can be cut in any direction now, and nothing else."""
        for canvas in self.canvases:
            canvas.mirror.update()
        self.update()
        self.changed.emit()

    def _on_ndisplay(self, event: Any) -> None:
        viewer = self._viewer_of()
        if viewer is not None and event.value == 3 and self._place is None:
            self._place = viewer.dims.point

    def _on_theme(self, event: Any) -> None:
        for canvas in self.canvases:
            canvas.model.theme = event.value

    def _take_point(self, event: Any = None) -> None:
        """Show in all planes what the window's sliders show."""
        del event
        viewer = self._viewer_of()
        if viewer is not None:
            self._move(viewer.dims)

    def _on_moved(self, canvas_of: weakref.ref[PlaneCanvas]) -> None:
        canvas = canvas_of()
        if canvas is not None:
            self._move(canvas.model.dims)

    def _on_pointed(self, canvas_of: weakref.ref[PlaneCanvas]) -> None:
        canvas = canvas_of()
        if canvas is not None:
            self.pointed.emit(canvas.seen.places)

    def _move(self, dims: Any) -> None:
        """Take the point of one canvas's sliders over in all others.

        While 3D is shown, the window's own canvas takes no part in space: layers may stand
        elsewhere there, in patient space.
        """
        viewer = self._viewer_of()
        if viewer is None or self._is_moving:
            return
        first = dims.ndim - 3
        if self._place is not None and dims is not viewer.dims:
            self._place = dims.point
        self._is_moving = True
        try:
            for other in (viewer.dims, *(canvas.model.dims for canvas in self.canvases)):
                if other is dims or other.ndim != dims.ndim:
                    continue
                is_apart = self._place is not None and (dims is viewer.dims or other is viewer.dims)
                space = other.point[first:] if is_apart else dims.point[first:]
                other.point = (*dims.point[:first], *space)
        finally:
            self._is_moving = False


def _others(viewer: Any) -> list[str]:
    """Return the planes that a viewer does not show itself."""
    if viewer.dims.ndim < 3:
        return []
    shown = plane_shown(viewer)
    return [plane for plane in PLANES if plane != shown]
