"""A canvas that shows all of its layers goes on to do so when it gets another size."""

from __future__ import annotations

import weakref
from typing import Any

from napari_medread.plugin.gui.timers import timer


class Fitted:
    """Fits a viewer's layers to its canvas anew, unless a person has zoomed or panned.

    Parameters
    ----------
    viewer : ViewerModel
        It is not kept alive.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_of = weakref.ref(viewer)
        self._camera = _camera(viewer)
        self._soon = timer(0, self._fit)
        viewer.events.reset_view.connect(self._on_fit)
        viewer.canvas.events.size.connect(self._on_size)

    def close(self) -> None:
        """Leave the camera alone."""
        self._soon.stop()
        viewer = self._viewer_of()
        if viewer is not None:
            viewer.events.reset_view.disconnect(self._on_fit)
            viewer.canvas.events.size.disconnect(self._on_size)

    def _on_fit(self, event: Any) -> None:
        del event
        viewer = self._viewer_of()
        if viewer is not None:
            self._camera = _camera(viewer)

    def _on_size(self, event: Any) -> None:
        del event
        viewer = self._viewer_of()
        if viewer is not None and self._camera == _camera(viewer):
            self._soon.start()

    def _fit(self) -> None:
        viewer = self._viewer_of()
        if viewer is not None:
            viewer.fit_to_view()


def _camera(viewer: Any) -> tuple[Any, ...]:
    camera = viewer.scene.camera
    return camera.zoom, tuple(camera.center)
