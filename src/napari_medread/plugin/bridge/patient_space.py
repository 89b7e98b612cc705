"""Oblique layers drawn where they lie in the patient, rotation and shear included.

napari cannot cut such layers in 2D: it would show wrong pictures. So they are drawn straight,
and stand in patient space only while all three of the patient's axes are shown in 3D. What was
drawn over them, and brings no position of its own, goes with them.

Leaving 3D, napari cuts them once before anyone else can draw them straight, and warns. That
cut is never drawn: the right one takes its place at once. So the warning is kept back.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.core.affines import Float, invert_affine, relative_affine
from napari_medread.core.geometry import Geometry
from napari_medread.core.warning_filters import suppress_warnings
from napari_medread.errors import CannotWrite
from napari_medread.plugin.bridge.layer_record import StraightDrawing, get_record, with_record
from napari_medread.plugin.bridge.layer_to_volume import (
    WORLD_TO_PATIENT,
    find_world_to_patient,
    get_opened_matrices,
)
from napari_medread.plugin.bridge.spatial_axes import MATRIX_TOLERANCE_MM, LayerGrid, get_layer_grid

_MM = ("mm", "millimeter")


class PatientSpace:
    """Draws a viewer's oblique layers in patient space while it is in 3D and asked to.

    Layers with ``metadata["patient_affine"]`` in mm are moved. Their ``drawn_affine``
    is moved with them, so that they are saved where they are in either state. Layers without
    are moved as those are beside which they are drawn, unless these lie differently.

    Attributes
    ----------
    point : tuple of float or None
        To which 2D goes back; None while all is drawn straight.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._is_wanted = False
        self.point: tuple[float, ...] | None = None
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
        viewer = self._viewer_ref()
        if viewer is None:
            return
        for event in (viewer.dims.events.ndisplay, viewer.dims.events.order):
            event.disconnect(self._follow)
        viewer.layers.events.inserted.disconnect(self._added)
        viewer.layers.events.removed.disconnect(self._removed)

    @property
    def _is_possible(self) -> bool:
        viewer = self._viewer_ref()
        if viewer is None or not self._is_wanted or viewer.dims.ndisplay != 3:
            return False
        ndim = viewer.dims.ndim
        return set(viewer.dims.displayed) == {ndim - 3, ndim - 2, ndim - 1}

    def _follow(self, event: Any = None) -> None:
        """Draw all layers as it is possible now."""
        del event
        viewer = self._viewer_ref()
        if viewer is None:
            return
        if self._is_possible:
            point = viewer.dims.point
            if apply_drawings(
                [(each, find_patient_space_drawing(each, viewer.layers)) for each in viewer.layers]
            ):
                self.point = self.point or point  # another layer may only have joined
                self._hush()
                viewer.fit_to_view()
            return
        apply_drawings(
            [(each, find_straight_drawing(each, viewer.layers)) for each in viewer.layers]
        )
        self._hush(over=True)

    def settle(self) -> None:
        """Go back to the slice that was shown before 3D; called when all else has ended.

        Until then the window's sliders have other ranges, and cut the point off.
        """
        viewer = self._viewer_ref()
        if viewer is None or self.point is None or self._is_possible:
            return
        if len(self.point) == viewer.dims.ndim:  # time and the like may have gone on
            viewer.dims.point = (*viewer.dims.point[:-3], *self.point[-3:])
        self.point = None
        viewer.fit_to_view()

    def _hush(self, *, over: bool = False) -> None:
        """Keep back what napari says of layers that it would have to cut, until it is over."""
        self._hushed.close()
        if not over:
            self._hushed.enter_context(suppress_warnings("Non-orthogonal slicing"))

    def _added(self, event: Any) -> None:
        layer = event.value
        if self._is_possible:
            self._follow()
        else:
            apply_drawings([(layer, find_straight_drawing(layer, event.source))])

    def _removed(self, event: Any) -> None:
        # It may be added to another viewer, in 2D.
        apply_drawings([(event.value, find_straight_drawing(event.value))])


LayerDrawing = tuple[Float, dict[str, Any]]
"""A layer's affine and metadata."""


def is_oblique(layer: Layer) -> bool:
    """Tell whether a layer is drawn, or would be in 2D, otherwise than it lies in the patient."""
    return get_record(layer).straight is not None or find_patient_space_drawing(layer) is not None


def is_left_straight(layer: Layer) -> bool:
    """Tell whether a layer brings no position, and was not turned with others."""
    return layer.visible and _opened(layer) is None and get_record(layer).straight is None


def find_patient_space_drawing(layer: Layer, others: Iterable[Layer] = ()) -> LayerDrawing | None:
    """Return how to draw a layer in patient space; None if it is, or if that is not known.

    Parameters
    ----------
    layer : Layer
    others : iterable of Layer
        What it is drawn beside, should it bring no position of its own.
    """
    found = _opened(layer)
    to_patient = _beside(layer, others) if found is None else found[0] @ invert_affine(found[1])
    if to_patient is None:
        return None
    step = relative_affine(WORLD_TO_PATIENT, to_patient)
    if np.allclose(step, np.eye(4), rtol=0, atol=MATRIX_TOLERANCE_MM):
        return None
    before = np.array(layer.affine.affine_matrix)
    after = _embedded(step, layer.ndim) @ before
    drawn = get_record(layer).drawn_affine
    straight = StraightDrawing(before, after, step, drawn)
    if found is None:
        return after, with_record(layer.metadata, straight=straight)
    full = _embedded(found[1], layer.ndim) if drawn is None else drawn
    moved = _embedded(step, len(full) - 1) @ full
    return after, with_record(layer.metadata, straight=straight, drawn_affine=moved)


def find_straight_drawing(layer: Layer, others: Iterable[Layer] = ()) -> LayerDrawing | None:
    """Return how to draw a layer straight; None if it is.

    What was not moved in between gets back the very numbers that it had.

    Parameters
    ----------
    layer : Layer
    others : iterable of Layer
        What it is drawn beside, should it bring no position of its own.
    """
    affine = np.array(layer.affine.affine_matrix)
    record = get_record(layer)
    kept = record.straight
    if layer.ndim < 3:  # napari gives a projection the metadata of what it was made of
        return None if kept is None else (affine, with_record(layer.metadata, straight=None))
    if kept is not None:
        metadata = with_record(layer.metadata, straight=None, drawn_affine=kept.drawn_affine)
        if np.array_equal(affine, kept.patient_space_affine):
            return kept.affine, metadata
        return _back(kept.to_patient_space, layer, affine), metadata
    found = _opened(layer)
    if found is None:
        step = _step_of_grid(layer, others)
        return None if step is None else (_back(step, layer, affine), dict(layer.metadata))
    if record.drawn_affine is None:
        return None
    # It was made of one that stood in patient space.
    patient, drawn = found
    if not _is_turned(drawn) or not np.allclose(
        WORLD_TO_PATIENT @ drawn, patient, rtol=0, atol=MATRIX_TOLERANCE_MM
    ):
        return None
    placed = Geometry(
        layer.data.shape[layer.ndim - 3 : layer.ndim], patient, record.slice_axis or 0
    ).world_transform()
    wanted = np.diag([*placed.scale, 1.0])
    wanted[:3, 3] = placed.translate
    step = np.diag([*placed.flips, 1.0]) @ wanted @ invert_affine(drawn)
    full = record.drawn_affine
    moved = _embedded(step, len(full) - 1) @ full
    return _embedded(step, layer.ndim) @ affine, with_record(layer.metadata, drawn_affine=moved)


def apply_drawings(drawings: list[tuple[Layer, LayerDrawing | None]]) -> bool:
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
    if any(str(unit) not in _MM for unit in layer.units[-3:]):
        return None
    found = get_opened_matrices(layer.metadata, layer.data.shape[layer.ndim - 3 : layer.ndim])
    return None if found is None else found[:2]


def _beside(layer: Layer, others: Iterable[Layer]) -> Float | None:
    """Return what leads from the world to LPS for a layer that brings no position."""
    beside = [each for each in others if _opened(each) is not None]
    grid = _grid_of(layer) if beside else None
    if grid is None:
        return None
    if not isinstance(layer, Image | Labels):
        grid = grid._replace(has_unit=True)  # points and outlines are drawn where images are
    try:
        return find_world_to_patient(grid, (each.as_layer_data_tuple() for each in beside))[0]
    except CannotWrite:  # images disagree
        return None


def _step_of_grid(layer: Layer, others: Iterable[Layer]) -> Float | None:
    """Return how the layer was turned on whose grid another was made; None if there is none."""
    turned = [each for each in others if get_record(each).straight is not None]
    grid = _grid_of(layer) if turned and isinstance(layer, Image | Labels) else None
    if grid is None:
        return None
    for other in turned:
        found, straight = _grid_of(other), get_record(other).straight
        if found is not None and straight is not None and grid.is_same(found):
            return straight.to_patient_space
    return None


def _grid_of(layer: Layer) -> LayerGrid | None:
    """Return a layer's axes of space, if they are three in mm or in no unit."""
    if layer.ndim < 3 or layer.multiscale:
        return None
    if any(str(unit) not in (*_MM, "pixel") for unit in layer.units[-3:]):
        return None
    try:
        grid = get_layer_grid(layer)
    except CannotWrite:
        return None
    return grid if grid.ndim == 3 else None


def _back(step: Float, layer: Layer, affine: Float) -> Float:
    return relative_affine(_embedded(step, layer.ndim), affine)


def _is_turned(drawn: Float) -> bool:
    linear = drawn[:3, :3]
    return not np.allclose(linear, np.diag(np.diag(linear)), rtol=0, atol=MATRIX_TOLERANCE_MM)


def _embedded(step: Float, ndim: int) -> Float:
    """Return a transform of the last three axes as one of all."""
    found = np.eye(ndim + 1)
    found[ndim - 3 :, ndim - 3 :] = step
    return found
