"""Draws oblique layers where they lie in patient space, with rotation and shear, in 3D.

napari cannot slice such layers in 2D: it would show wrong images. So they are drawn straight, and
drawn in patient space only while all three of the patient's axes are displayed in 3D. Layers that
were drawn over them, and carry no position of their own, go with them.

On leaving 3D, napari slices the layers once before anything else can draw them straight, and warns.
That slice is never displayed, as the right one replaces it at once; so the warning is suppressed.
"""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from typing import Any

from napari_medread.core.warning_filters import suppress_warnings
from napari_medread.plugin.bridge.oblique_drawings import (
    apply_drawings,
    find_patient_space_drawing,
    find_straight_drawing,
)


class PatientSpace:
    """Draws a viewer's oblique layers in patient space while it is switched on and in 3D.

    Layers with ``metadata["patient_affine"]`` in mm are moved. The drawing recorded when they were
    opened moves with them, so that they are saved at the same position in either state. Layers
    without a position move like the images of the viewer, unless these disagree.

    Parameters
    ----------
    viewer : Viewer
        It is not kept alive.

    Attributes
    ----------
    point : tuple of float or None
        The point to which 2D returns; None while all layers are drawn straight.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._is_on = False
        self.point: tuple[float, ...] | None = None
        self._suppressed_warnings = ExitStack()
        for event in (viewer.dims.events.ndisplay, viewer.dims.events.order):
            event.connect(self._update)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)

    def switch(self, *, on: bool) -> None:
        """Switch patient space on or off; in 2D nothing changes until 3D is displayed."""
        self._is_on = on
        self._update()

    def close(self) -> None:
        """Draw all layers straight, and stop following the viewer."""
        self.switch(on=False)
        self.settle()
        viewer = self._viewer_ref()
        if viewer is None:
            return
        for event in (viewer.dims.events.ndisplay, viewer.dims.events.order):
            event.disconnect(self._update)
        viewer.layers.events.inserted.disconnect(self._on_inserted)
        viewer.layers.events.removed.disconnect(self._on_removed)

    @property
    def _is_possible(self) -> bool:
        """Whether it is switched on, and the patient's axes are the three that are displayed."""
        viewer = self._viewer_ref()
        if viewer is None or not self._is_on or viewer.dims.ndisplay != 3:
            return False
        ndim = viewer.dims.ndim
        return set(viewer.dims.displayed) == {ndim - 3, ndim - 2, ndim - 1}

    def _update(self, event: Any = None) -> None:
        """Draw all layers in patient space where that is possible, else straight."""
        del event
        viewer = self._viewer_ref()
        if viewer is None:
            return
        layers = viewer.layers
        if not self._is_possible:
            apply_drawings([(layer, find_straight_drawing(layer, layers)) for layer in layers])
            self._suppressed_warnings.close()
            return
        point = viewer.dims.point
        if apply_drawings([(layer, find_patient_space_drawing(layer, layers)) for layer in layers]):
            self.point = self.point or point  # a layer may have been added to others in 3D
            self._suppressed_warnings.close()
            self._suppressed_warnings.enter_context(suppress_warnings("Non-orthogonal slicing"))
            viewer.fit_to_view()

    def settle(self) -> None:
        """Return to the slice that was displayed before 3D. Call it after all other callbacks.

        Before that, the viewer's sliders have other ranges, and would clip the point.
        """
        viewer = self._viewer_ref()
        if viewer is None or self.point is None or self._is_possible:
            return
        if len(self.point) == viewer.dims.ndim:  # leading axes such as time may have moved on
            viewer.dims.point = (*viewer.dims.point[:-3], *self.point[-3:])
        self.point = None
        viewer.fit_to_view()

    def _on_inserted(self, event: Any) -> None:
        layer = event.value
        if self._is_possible:
            self._update()
        else:
            apply_drawings([(layer, find_straight_drawing(layer, event.source))])

    def _on_removed(self, event: Any) -> None:
        # The layer may be added to another viewer, in 2D.
        apply_drawings([(event.value, find_straight_drawing(event.value))])
