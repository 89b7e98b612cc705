"""How to draw an oblique layer: in patient space, or straight along its own axes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.core.affines import Float, invert_affine, relative_affine
from napari_medread.errors import CannotWrite
from napari_medread.plugin.bridge.layer_metadata import StraightDrawing, get_record, with_record
from napari_medread.plugin.bridge.layer_position import (
    WORLD_TO_PATIENT,
    compute_straight_drawing,
    find_world_to_patient,
    get_opened_matrices,
)
from napari_medread.plugin.bridge.spatial_axes import LayerGrid, get_layer_grid, is_same_matrix

LayerDrawing = tuple[Float, dict[str, Any]]
"""A layer's affine and metadata."""

_MM = ("mm", "millimeter")


def is_oblique(layer: Layer) -> bool:
    """Return whether a layer is oblique: drawn straight, it does not lie as in patient space."""
    return get_record(layer).straight is not None or find_patient_space_drawing(layer) is not None


def is_left_straight(layer: Layer) -> bool:
    """Return whether a visible layer carries no position, and was not turned with others."""
    is_turned = get_record(layer).straight is not None
    return layer.visible and not is_turned and _get_opened_matrices_mm(layer) is None


def find_own_world_to_patient(layer: Layer) -> Float | None:
    """Return where napari's world is in patient space for one layer, as it is drawn now.

    Layers for which it differs do not lie over each other in the patient as they are drawn.

    Returns
    -------
    (4, 4) array or None
        From the world to LPS, both in mm; None where the layer carries no position.
    """
    opened = _get_opened_matrices_mm(layer)
    return None if opened is None else opened[0] @ invert_affine(opened[1])


def find_patient_space_drawing(layer: Layer, others: Iterable[Layer] = ()) -> LayerDrawing | None:
    """Return how to draw a layer in patient space; None if it is, or its position is not known.

    Parameters
    ----------
    layer : Layer
    others : iterable of Layer
        The layers of the same viewer, asked where the layer itself carries no position.
    """
    opened = _get_opened_matrices_mm(layer)
    world_to_patient = find_own_world_to_patient(layer)
    if opened is None:
        world_to_patient = _find_world_to_patient(layer, others)
    if world_to_patient is None:
        return None
    motion = relative_affine(WORLD_TO_PATIENT, world_to_patient)
    if is_same_matrix(motion, np.eye(4)):
        return None
    before = np.array(layer.affine.affine_matrix)
    after = _embed(motion, layer.ndim) @ before
    drawn = get_record(layer).drawn_affine
    straight = StraightDrawing(before, after, motion, drawn)
    if opened is None:
        return after, with_record(layer.metadata, straight=straight)
    if drawn is None:
        drawn = _embed(opened[1], layer.ndim)
    moved = _embed(motion, len(drawn) - 1) @ drawn
    return after, with_record(layer.metadata, straight=straight, drawn_affine=moved)


def find_straight_drawing(layer: Layer, others: Iterable[Layer] = ()) -> LayerDrawing | None:
    """Return how to draw a layer straight; None if it is.

    A layer that was not moved in patient space gets exactly the numbers back that it had.

    Parameters
    ----------
    layer : Layer
    others : iterable of Layer
        The layers of the same viewer, asked where the layer itself carries no position.
    """
    affine = np.array(layer.affine.affine_matrix)
    record = get_record(layer)
    straight = record.straight
    if layer.ndim < 3:  # napari passes the metadata of a layer on to its projections
        return None if straight is None else (affine, with_record(layer.metadata, straight=None))
    if straight is not None:
        metadata = with_record(layer.metadata, straight=None, drawn_affine=straight.drawn_affine)
        if np.array_equal(affine, straight.patient_space_affine):
            return straight.affine, metadata
        return _undo(straight.to_patient_space, layer, affine), metadata
    opened = _get_opened_matrices_mm(layer)
    if opened is None:
        motion = _find_motion_of_same_grid(layer, others)
        return None if motion is None else (_undo(motion, layer, affine), dict(layer.metadata))
    patient_affine, index_to_world = opened
    drawn = record.drawn_affine
    if drawn is None or not _is_in_patient_space(index_to_world, patient_affine):
        return None
    # The layer was made from one that was drawn in patient space.
    shape = layer.data.shape[layer.ndim - 3 : layer.ndim]
    wanted = compute_straight_drawing(patient_affine, shape, record.slice_axis or 0)
    motion = wanted @ invert_affine(index_to_world)
    moved = _embed(motion, len(drawn) - 1) @ drawn
    return _embed(motion, layer.ndim) @ affine, with_record(layer.metadata, drawn_affine=moved)


def apply_drawings(drawings: list[tuple[Layer, LayerDrawing | None]]) -> bool:
    """Draw layers as found; napari slices none before all of them are where they should be.

    Returns
    -------
    bool
        Whether any layer was changed.
    """
    changed = []
    for layer, drawing in drawings:
        if drawing is None:
            continue
        affine, metadata = drawing
        with layer.events.affine.blocker():
            layer.affine = affine
        layer.metadata = metadata
        changed.append(layer)
    for layer in changed:
        layer.events.affine()
    return bool(changed)


def _get_opened_matrices_mm(layer: Layer) -> tuple[Float, Float] | None:
    """Return a layer's matrices to LPS and to the world as it was opened, if in mm."""
    if not isinstance(layer, Image | Labels) or layer.ndim < 3 or layer.multiscale:
        return None
    if any(str(unit) not in _MM for unit in layer.units[-3:]):
        return None
    opened = get_opened_matrices(layer.metadata, layer.data.shape[layer.ndim - 3 : layer.ndim])
    return None if opened is None else opened[:2]


def _find_world_to_patient(layer: Layer, others: Iterable[Layer]) -> Float | None:
    """Return the matrix from the world to LPS for a layer that carries no position."""
    images = [other for other in others if _get_opened_matrices_mm(other) is not None]
    grid = _get_grid_mm(layer) if images else None
    if grid is None:
        return None
    if not isinstance(layer, Image | Labels):
        grid = grid._replace(has_unit=True)  # points and outlines are drawn where images are
    try:
        return find_world_to_patient(grid, (image.as_layer_data_tuple() for image in images))[0]
    except CannotWrite:  # the images disagree
        return None


def _find_motion_of_same_grid(layer: Layer, others: Iterable[Layer]) -> Float | None:
    """Return how the layer was moved to patient space on whose grid another was made."""
    turned = [other for other in others if get_record(other).straight is not None]
    grid = _get_grid_mm(layer) if turned and isinstance(layer, Image | Labels) else None
    if grid is None:
        return None
    for other in turned:
        other_grid, straight = _get_grid_mm(other), get_record(other).straight
        if other_grid is not None and straight is not None and grid.is_same(other_grid):
            return straight.to_patient_space
    return None


def _get_grid_mm(layer: Layer) -> LayerGrid | None:
    """Return the grid of a layer with three spatial axes in mm or without a unit."""
    if layer.ndim < 3 or layer.multiscale:
        return None
    if any(str(unit) not in (*_MM, "pixel") for unit in layer.units[-3:]):
        return None
    try:
        grid = get_layer_grid(layer)
    except CannotWrite:
        return None
    return grid if grid.ndim == 3 else None


def _undo(motion: Float, layer: Layer, affine: Float) -> Float:
    return relative_affine(_embed(motion, layer.ndim), affine)


def _is_in_patient_space(index_to_world: Float, patient_affine: Float) -> bool:
    """Return whether an oblique layer is drawn where it lies in patient space."""
    linear = index_to_world[:3, :3]
    is_turned = not is_same_matrix(linear, np.diag(np.diag(linear)))
    return is_turned and is_same_matrix(WORLD_TO_PATIENT @ index_to_world, patient_affine)


def _embed(matrix: Float, ndim: int) -> Float:
    """Return a transform of the last three of n axes as a transform of all n."""
    embedded = np.eye(ndim + 1)
    embedded[ndim - 3 :, ndim - 3 :] = matrix
    return embedded
