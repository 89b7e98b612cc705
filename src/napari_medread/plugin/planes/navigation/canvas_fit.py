"""Keeping a canvas that shows all of its visible layers fitted when its size changes."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

from qtpy.QtCore import QTimer

from napari_medread.plugin.bridge.camera_fit import fit_to_visible_layers
from napari_medread.plugin.gui.timers import make_timer
from napari_medread.plugin.gui.viewer_references import unwrap_viewer

_LAYOUT_MS = 500
"""Time in which Qt surely gives a canvas its room, after napari's controls have changed."""

_HELD_FITS: weakref.WeakKeyDictionary[Any, tuple[CanvasFit, QTimer]] = weakref.WeakKeyDictionary()
"""By viewer: the fit that is held while the window is laid out, and what ends it."""

_RESIZED_VIEWERS: weakref.WeakSet[Any] = weakref.WeakSet()
"""The viewers that are just being fitted to another size of their canvas."""


class CanvasFit:
    """Fits a viewer's visible layers to its canvas again, unless the user has zoomed or panned.

    Parameters
    ----------
    viewer : ViewerModel
        It is not kept alive.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._fitted_camera = _read_zoom_and_center(viewer)
        self._fit_timer = make_timer(0, self._fit)
        viewer.events.reset_view.connect(self._on_fitted)
        viewer.canvas.events.size.connect(self._on_size)

    def close(self) -> None:
        """Stop changing the camera."""
        self._fit_timer.stop()
        viewer = self._viewer_ref()
        if viewer is not None:
            viewer.events.reset_view.disconnect(self._on_fitted)
            viewer.canvas.events.size.disconnect(self._on_size)

    def _on_fitted(self, event: Any) -> None:
        del event
        viewer = self._viewer_ref()
        if viewer is not None:
            self._fitted_camera = _read_zoom_and_center(viewer)

    def _on_size(self, event: Any) -> None:
        del event
        viewer = self._viewer_ref()
        if viewer is not None and self._fitted_camera == _read_zoom_and_center(viewer):
            self._fit_timer.start()

    def _fit(self) -> None:
        viewer = self._viewer_ref()
        if viewer is None:
            return
        _RESIZED_VIEWERS.add(viewer)
        try:
            fit_to_visible_layers(viewer)
        finally:
            _RESIZED_VIEWERS.discard(viewer)


def is_fitted_to_size(viewer: Any) -> bool:
    """Return whether a viewer is being fitted because of its canvas's size, not by the user."""
    return viewer in _RESIZED_VIEWERS


def hold_fit(viewer: Any) -> None:
    """Keep the fit of a viewer while its window is laid out.

    napari's layer controls are wider in 3D: back in 2D, the canvas gets their room a little
    later.

    Parameters
    ----------
    viewer : Viewer
        It is not kept alive.
    """
    viewer = unwrap_viewer(viewer)
    _release_fit(weakref.ref(viewer))
    timer = make_timer(_LAYOUT_MS, partial(_release_fit, weakref.ref(viewer)))
    _HELD_FITS[viewer] = CanvasFit(viewer), timer
    timer.start()


def _release_fit(viewer_ref: weakref.ref[Any]) -> None:
    viewer = viewer_ref()
    held = None if viewer is None else _HELD_FITS.pop(viewer, None)
    if held is not None:
        fit, timer = held
        timer.stop()
        fit.close()


def _read_zoom_and_center(viewer: Any) -> tuple[Any, ...]:
    camera = viewer.scene.camera
    return camera.zoom, tuple(camera.center)
