"""All that the panel "Planes and slices" adds to a window: overlay, wheel, keys, other views."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from napari_medread.plugin.bridge.patient_space import PatientSpace
from napari_medread.plugin.planes.navigation.plane_switching import PLANE_KEYS, show_plane
from napari_medread.plugin.planes.navigation.wheel_scrolling import WheelScrolling
from napari_medread.plugin.planes.orthogonal.orthogonal_views import OrthogonalViews
from napari_medread.plugin.planes.orthogonal.plane_canvas import CanvasSettings
from napari_medread.plugin.planes.overlay.cursor_readout import CursorReadout, read_cursor
from napari_medread.plugin.planes.overlay.layer_geometries import LayerGeometries
from napari_medread.plugin.planes.overlay.slice_overlay import SliceOverlay


class ViewingTools(SliceOverlay):
    """The overlay of a window's viewer, with wheel, keys, patient space and orthogonal views.

    The side canvases of the orthogonal views get the same settings as the window's own canvas.

    Attributes
    ----------
    wheel : WheelScrolling
    patient_space : PatientSpace
    orthogonal_views : OrthogonalViews
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__(viewer)
        self.wheel = WheelScrolling(viewer)
        self.patient_space = PatientSpace(viewer)
        self.orthogonal_views = OrthogonalViews(viewer, self.patient_space)
        self.orthogonal_views.cursor_moved.connect(self._on_side_cursor)
        self.orthogonal_views.changed.connect(self.update)
        self._geometries_under_cursor = self.geometries
        self._bound_keys: dict[str, Callable[[Any], None]] = {}
        self._bind_keys(viewer)

    def close(self) -> None:
        """Stop following the viewer, and take back all changes to it."""
        self.orthogonal_views.switch(on=False)
        viewer = self._viewer_ref()
        if viewer is not None:
            for key, function in self._bound_keys.items():
                if function in viewer.keymap.values():
                    viewer.bind_key(key, None)
            self.patient_space.close()
        super().close()
        self.wheel.switch(on=False)

    def read_cursor(self) -> CursorReadout | None:
        """Return what is under the cursor, over whichever canvas it is."""
        return read_cursor(self._geometries_under_cursor)

    def _bind_keys(self, viewer: Any) -> None:
        for plane, key in PLANE_KEYS.items():
            function = _make_key_function(plane)
            with contextlib.suppress(ValueError):  # the user has bound it to something else
                viewer.bind_key(key, function)
                self._bound_keys[key] = function

    def _on_cursor(self, event: Any) -> None:
        self._geometries_under_cursor = self.geometries
        super()._on_cursor(event)

    def _on_side_cursor(self, geometries: LayerGeometries) -> None:
        self._geometries_under_cursor = geometries
        super()._on_cursor(None)

    def _update(self) -> None:
        self.patient_space.settle()
        self.orthogonal_views.settle()
        self.orthogonal_views.apply_settings(
            CanvasSettings(self.shows_letters, self.shows_slice, self.wheel.is_on)
        )
        super()._update()


def _make_key_function(plane: str) -> Callable[[Any], None]:
    """Return the function to bind to the key of a plane; it keeps nothing alive."""

    def show(viewer: Any) -> None:
        show_plane(viewer, plane)

    return show
