"""Keeping a canvas that shows all of its visible layers fitted when its size changes."""

from __future__ import annotations

import weakref
from typing import Any

from napari_medread.plugin.bridge.camera_fit import fit_to_visible_layers
from napari_medread.plugin.gui.timers import make_timer


class CanvasFit:
    """Fits a viewer's visible layers to its canvas again, unless the user has zoomed or panned.

    Parameters
    ----------
    viewer : ViewerModel
        It is not kept alive.

    Attributes
    ----------
    is_fitting : bool
        Whether the layers are just being fitted to another size of the canvas.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._fitted_camera = _read_zoom_and_center(viewer)
        self._fit_timer = make_timer(0, self._fit)
        self.is_fitting = False
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
        self.is_fitting = True
        try:
            fit_to_visible_layers(viewer)
        finally:
            self.is_fitting = False


def _read_zoom_and_center(viewer: Any) -> tuple[Any, ...]:
    camera = viewer.scene.camera
    return camera.zoom, tuple(camera.center)
