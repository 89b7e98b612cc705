"""All that the panel "Planes and slices" adds to a window: overlay, wheel, keys, other views."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

from napari_medread.plugin.bridge.patient_space import PatientSpace
from napari_medread.plugin.planes.navigation.plane_switching import PLANE_KEYS, show_plane
from napari_medread.plugin.planes.navigation.wheel_scrolling import WheelScrolling
from napari_medread.plugin.planes.orthogonal.orthogonal_views import OrthogonalViews
from napari_medread.plugin.planes.orthogonal.plane_canvas import CanvasSettings
from napari_medread.plugin.planes.overlay.cursor_readout import CursorReadout
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
        self._overlay_under_cursor: weakref.ref[SliceOverlay] = weakref.ref(self)
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
        """Return what is under the cursor, over whichever canvas it is; None over no canvas."""
        overlay = self._overlay_under_cursor()
        if overlay is self:
            return super().read_cursor()
        is_open = any(canvas.overlay is overlay for canvas in self.orthogonal_views.canvases)
        return overlay.read_cursor() if overlay is not None and is_open else None

    def _bind_keys(self, viewer: Any) -> None:
        for plane, key in PLANE_KEYS.items():
            function = _make_key_function(plane)
            with contextlib.suppress(ValueError):  # the user has bound it to something else
                viewer.bind_key(key, function)
                self._bound_keys[key] = function

    def _report_cursor(self, *, is_outside: bool) -> None:
        self._overlay_under_cursor = weakref.ref(self)
        super()._report_cursor(is_outside=is_outside)

    def _on_side_cursor(self, overlay: SliceOverlay) -> None:
        self._overlay_under_cursor = weakref.ref(overlay)
        self._read_cursor_soon()

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
