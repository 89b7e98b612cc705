"""Oblique layers drawn where they lie in the patient, rotation and shear included.

napari cannot cut such layers in 2D: it would show wrong pictures. So they are drawn straight,
and stand in patient space only while all three of the patient's axes are shown in 3D.

Leaving 3D, napari cuts them once before anyone else can draw them straight, and warns. That
cut is never drawn: the right one takes its place at once. So the warning is kept back.
"""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.core.geometry import Float, Geometry
from napari_medread.core.quiet import quiet
from napari_medread.plugin.volumes import WORLD_TO_PATIENT, as_opened

_STRAIGHT = "straight"
"""Key in a layer's metadata: what to put back when it is drawn straight again."""

_SAME = 1e-6
"""Transforms that differ by less, in mm, are the same."""


class PatientSpace:
    """Draws a viewer's oblique layers in patient space while it is in 3D and asked to.

    Only layers with ``metadata["patient_affine"]`` in mm are moved. Their ``drawn_affine``
    is moved with them, so that they are saved where they are in either state.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_of = weakref.ref(viewer)
        self._is_wanted = False
        self._point: tuple[float, ...] | None = None
        self._hushed = ExitStack()
        for event in (viewer.dims.events.ndisplay, viewer.dims.events.order):
            event.connect(self._follow)
        viewer.layers.events.inserted.connect(self._added)
        viewer.layers.events.removed.connect(self._removed)

    def switch(self, *, on: bool) -> None:
        """Ask for patient space or not; in 2D nothing changes before 3D is shown."""
        self._is_wanted = on
        self._follow()

    def close(self) -> None:
        """Draw all layers straight, and follow the viewer no more."""
        self.switch(on=False)
        self.settle()
        viewer = self._viewer_of()
        if viewer is None:
            return
        for event in (viewer.dims.events.ndisplay, viewer.dims.events.order):
            event.disconnect(self._follow)
        viewer.layers.events.inserted.disconnect(self._added)
        viewer.layers.events.removed.disconnect(self._removed)

    @property
    def _is_possible(self) -> bool:
        viewer = self._viewer_of()
        if viewer is None or not self._is_wanted or viewer.dims.ndisplay != 3:
            return False
        ndim = viewer.dims.ndim
        return set(viewer.dims.displayed) == {ndim - 3, ndim - 2, ndim - 1}

    def _follow(self, event: Any = None) -> None:
        """Draw all layers as it is possible now."""
        del event
        viewer = self._viewer_of()
        if viewer is None:
            return
        if self._is_possible:
            point = viewer.dims.point
            if move_all([(each, in_patient_of(each)) for each in viewer.layers]):
                self._point = self._point or point  # another layer may only have joined
                self._hush()
                viewer.fit_to_view()
            return
        move_all([(each, straight_of(each)) for each in viewer.layers])
        self._hush(over=True)

    def settle(self) -> None:
        """Go back to the slice that was shown before 3D; called when all else has ended.

        Until then the window's sliders have other ranges, and cut the point off.
        """
        viewer = self._viewer_of()
        if viewer is None or self._point is None or self._is_possible:
            return
        if len(self._point) == viewer.dims.ndim:
            viewer.dims.point = self._point
        self._point = None
        viewer.fit_to_view()

    def _hush(self, *, over: bool = False) -> None:
        """Keep back what napari says of layers that it would have to cut, until it is over."""
        self._hushed.close()
        if not over:
            self._hushed.enter_context(quiet("Non-orthogonal slicing"))

    def _added(self, event: Any) -> None:
        layer = event.value
        if self._is_possible:
            self._follow()
        else:
            move_all([(layer, straight_of(layer))])

    def _removed(self, event: Any) -> None:
        # It may be added to another viewer, in 2D.
        move_all([(event.value, straight_of(event.value))])


Drawing = tuple[Float, dict[str, Any]]
"""A layer's affine and metadata."""


def is_oblique(layer: Layer) -> bool:
    """Tell whether a layer is drawn, or would be in 2D, otherwise than it lies in the patient."""
    return _STRAIGHT in layer.metadata or in_patient_of(layer) is not None


def in_patient_of(layer: Layer) -> Drawing | None:
    """Return how to draw a layer in patient space; None if it is, or if that is not known."""
    found = _opened(layer)
    if found is None:
        return None
    patient, drawn = found
    step = np.linalg.inv(WORLD_TO_PATIENT) @ patient @ np.linalg.inv(drawn)
    if np.allclose(step, np.eye(4), rtol=0, atol=_SAME):
        return None
    before = np.array(layer.affine.affine_matrix)
    after = _embedded(step, layer.ndim) @ before
    kept = {"affine": before, "moved": after, "step": step}
    if "drawn_affine" in layer.metadata:
        kept["drawn_affine"] = layer.metadata["drawn_affine"]
    moved = _embedded(step, layer.ndim) @ _embedded(drawn, layer.ndim)
    if "drawn_affine" in kept:
        full = np.asarray(kept["drawn_affine"], dtype=float)
        moved = _embedded(step, len(full) - 1) @ full
    return after, {**layer.metadata, "drawn_affine": moved, _STRAIGHT: kept}


def straight_of(layer: Layer) -> Drawing | None:
    """Return how to draw a layer straight; None if it is.

    What was not moved in between gets back the very numbers that it had.
    """
    affine = np.array(layer.affine.affine_matrix)
    metadata = dict(layer.metadata)
    kept = metadata.pop(_STRAIGHT, None)
    if kept is not None:
        del metadata["drawn_affine"]
        if "drawn_affine" in kept:
            metadata["drawn_affine"] = kept["drawn_affine"]
        if np.array_equal(affine, kept["moved"]):
            return kept["affine"], metadata
        return np.linalg.inv(_embedded(kept["step"], layer.ndim)) @ affine, metadata
    found = _opened(layer)
    if found is None or "drawn_affine" not in metadata:
        return None
    # It was made of one that stood in patient space.
    patient, drawn = found
    if not _is_turned(drawn) or not np.allclose(
        WORLD_TO_PATIENT @ drawn, patient, rtol=0, atol=_SAME
    ):
        return None
    placed = Geometry(
        layer.data.shape[layer.ndim - 3 : layer.ndim], patient, metadata.get("slice_axis", 0)
    ).placement()
    wanted = np.diag([*placed.scale, 1.0])
    wanted[:3, 3] = placed.translate
    step = np.diag([*placed.flips, 1.0]) @ wanted @ np.linalg.inv(drawn)
    full = np.asarray(metadata["drawn_affine"], dtype=float)
    metadata["drawn_affine"] = _embedded(step, len(full) - 1) @ full
    return _embedded(step, layer.ndim) @ affine, metadata


def move_all(drawings: list[tuple[Layer, Drawing | None]]) -> bool:
    """Draw layers otherwise; none is cut before all of them stand where they should.

    Returns
    -------
    bool
        Whether any was moved.
    """
    moved = []
    for layer, drawing in drawings:
        if drawing is None:
            continue
        affine, metadata = drawing
        with layer.events.affine.blocker():
            layer.affine = affine
        layer.metadata = metadata
        moved.append(layer)
    for layer in moved:
        layer.events.affine()
    return bool(moved)


def _opened(layer: Layer) -> tuple[Float, Float] | None:
    """Return a layer's matrices to LPS and to the world as it was opened, if in mm."""
    if not isinstance(layer, Image | Labels) or layer.ndim < 3 or layer.multiscale:
        return None
    if any(str(unit) not in ("mm", "millimeter") for unit in layer.units[-3:]):
        return None
    found = as_opened(layer.metadata, layer.data.shape[layer.ndim - 3 : layer.ndim])
    return None if found is None else found[:2]


def _is_turned(drawn: Float) -> bool:
    linear = drawn[:3, :3]
    return not np.allclose(linear, np.diag(np.diag(linear)), rtol=0, atol=_SAME)


def _embedded(step: Float, ndim: int) -> Float:
    """Return a transform of the last three axes as one of all."""
    found = np.eye(ndim + 1)
    found[ndim - 3 :, ndim - 3 :] = step
    return found
