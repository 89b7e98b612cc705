"""What a person has at hand while the slices of a window are looked through."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from napari_medread.plugin.bridge.patient_space import PatientSpace
from napari_medread.plugin.planes.orthogonal.orthogonal_views import ThreePlanes
from napari_medread.plugin.planes.overlay.layer_geometries import Places, Pointed
from napari_medread.plugin.planes.overlay.slice_overlay import Seen
from napari_medread.plugin.planes.plane_commands import KEYS, show_plane


class Viewing(Seen):
    """Follows a window's viewer: letters, slices, wheel, keys, patient space, and three planes.

    Attributes
    ----------
    patient_space : PatientSpace
    three_planes : ThreePlanes
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__(viewer)
        self.patient_space = PatientSpace(viewer)
        self.three_planes = ThreePlanes(viewer, self.patient_space)
        self.three_planes.pointed.connect(self._on_pointed)
        self.three_planes.changed.connect(self.update)
        self._under = self.places
        self._keys: dict[str, Callable[[Any], None]] = {}
        self._bind_keys(viewer)

    def close(self) -> None:
        """Take everything back, and follow the viewer no more."""
        self.three_planes.switch(on=False)
        viewer = self._viewer_of()
        if viewer is not None:
            for key, function in self._keys.items():
                if function in viewer.keymap.values():
                    viewer.bind_key(key, None)
            self.patient_space.close()
        super().close()

    def under_cursor(self) -> Pointed | None:
        """Return what lies under the cursor, over whichever canvas it is."""
        return self._under.pointed()

    def _bind_keys(self, viewer: Any) -> None:
        for plane, key in KEYS.items():
            function = _shower(plane)
            with contextlib.suppress(ValueError):  # a person has given it to something else
                viewer.bind_key(key, function)
                self._keys[key] = function

    def _on_cursor(self, event: Any) -> None:
        self._under = self.places
        super()._on_cursor(event)

    def _on_pointed(self, places: Places) -> None:
        self._under = places
        super()._on_cursor(None)

    def _update(self) -> None:
        self.patient_space.settle()
        self.three_planes.settle()
        self.three_planes.tell_as(self)
        super()._update()


def _shower(plane: str) -> Callable[[Any], None]:
    """Return what a key does; it keeps nothing alive."""

    def show(viewer: Any) -> None:
        show_plane(viewer, plane)

    return show
