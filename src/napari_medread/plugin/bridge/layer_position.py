"""Where a layer lies in patient space: as its metadata says, or as the images around it say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from napari_medread.core.affines import Float, invert_affine, relative_affine
from napari_medread.core.geometry import PATIENT_LABELS, WORLD_AXES, Geometry
from napari_medread.errors import CannotWrite
from napari_medread.plugin.bridge.layer_metadata import get_record
from napari_medread.plugin.bridge.spatial_axes import (
    MATRIX_TOLERANCE_MM,
    LayerGrid,
    is_same_matrix,
    make_layer_grid,
)
from napari_medread.plugin.bridge.volume_to_layer import LayerData

WORLD_TO_PATIENT = np.eye(4)
WORLD_TO_PATIENT[:3, :3] = WORLD_AXES
"""From napari's world axes (SI, AP, RL) to LPS."""

GRID_OFFSET_TOLERANCE = 1e-3
"""In voxels: grids offset by a whole number of voxels and no more than this are on one another."""

POSITION_FROM_IMAGES = "Its position in patient space was taken from the images in the same viewer."

_AXIS_REMOVED = "An axis was removed from the layer: its position in patient space is lost."


def get_opened_matrices(
    metadata: Mapping[str, Any], shape: tuple[int, ...]
) -> tuple[Float, Float, int | None] | None:
    """Return where a layer was when it was opened, None where it carries no position.

    Parameters
    ----------
    metadata : mapping
        The layer's metadata.
    shape : tuple of int
        The lengths of its last three axes.

    Returns
    -------
    patient_affine : (4, 4) array
        From array index to LPS, in mm.
    index_to_world : (4, 4) array
        From array index to napari's world, in mm, as it was drawn.
    ndim : int or None
        The number of axes it had; None where that is not recorded.
    """
    affine = np.asarray(metadata.get("patient_affine", ()), dtype=float)
    if affine.shape != (4, 4):
        return None
    record = get_record(metadata)
    drawn = record.drawn_affine
    if drawn is not None and len(drawn) >= 4:
        return affine, drawn[np.ix_([-4, -3, -2, -1], [-4, -3, -2, -1])], len(drawn) - 1
    return affine, compute_straight_drawing(affine, shape, record.slice_axis or 0), None


def compute_straight_drawing(affine: Float, shape: tuple[int, ...], slice_axis: int) -> Float:
    """Return the (4, 4) matrix from array index to world with which a volume is drawn straight.

    Parameters
    ----------
    affine : (4, 4) array
        From array index to LPS, in mm.
    shape : tuple of int
    slice_axis : int
    """
    placement = Geometry(shape, affine, slice_axis).world_transform()
    scaled = np.diag([*placement.scale, 1.0])
    scaled[:3, 3] = placement.translate
    return np.asarray(np.diag([*placement.flips, 1.0]) @ scaled)


def find_patient_affine(grid: LayerGrid) -> tuple[Float | None, tuple[str, ...]]:
    """Return the matrix from array index to LPS of a layer that carries one.

    If the layer was moved since it was opened, the matrix is moved in the same way.

    Returns
    -------
    matrix : (4, 4) array or None
        None where the layer carries none, or has lost it.
    remarks : tuple of str
        Why it was lost.
    """
    opened = get_opened_matrices(grid.metadata, grid.shape)
    if opened is None:
        return None, ()
    affine, index_to_world, ndim = opened
    if is_same_matrix(grid.index_to_world, index_to_world):
        return affine, ()
    # Where napari itself removes an axis, it drops the labels too.
    if grid.labels != PATIENT_LABELS and 3 + len(grid.leading) != ndim:
        return None, (_AXIS_REMOVED,)
    return affine @ invert_affine(index_to_world) @ grid.index_to_world, ()


def find_world_to_patient(
    grid: LayerGrid, others: Iterable[LayerData]
) -> tuple[Float | None, tuple[str, ...]]:
    """Return where napari's world is in patient space, for a layer that carries no position.

    It is taken from the image on whose grid the layer lies, else from all images of the viewer.

    Parameters
    ----------
    grid : LayerGrid
        The layer without a position.
    others : iterable of tuple
        The layer data of the other layers.

    Returns
    -------
    matrix : (4, 4) array or None
        From the world, in mm, to LPS; None where no image has a position.
    remarks : tuple of str
        What was assumed.

    Raises
    ------
    CannotWrite
        Where the images disagree.
    """
    candidates: list[Float] = []
    is_on_grid: list[bool] = []
    for other, affine in _find_positioned_images(others):
        candidates.append(affine @ invert_affine(other.index_to_world))
        if grid.is_same(other):
            return candidates[-1], (f"Its position in patient space is that of {other.name}.",)
        is_on_grid.append(_is_offset_by_voxels(grid, other))
    has_patient_labels = grid.labels == PATIENT_LABELS
    # An array without units that fits no grid was only added to the same viewer.
    if not candidates or not (has_patient_labels or grid.has_unit or any(is_on_grid)):
        return None, ()
    if any(is_on_grid):
        candidates = [c for c, on_grid in zip(candidates, is_on_grid, strict=True) if on_grid]
    first = candidates[0]
    if not all(is_same_matrix(first, other) for other in candidates):
        raise CannotWrite(
            f"{grid.name}: images of different orientations are open, and it is not known "
            "in which of them it was drawn. Remove the others, then save it again."
        )
    return first, () if has_patient_labels else (POSITION_FROM_IMAGES,)


def _find_positioned_images(others: Iterable[LayerData]) -> Iterable[tuple[LayerGrid, Float]]:
    """Yield the grids of layers with a position in patient space, and their matrices to LPS."""
    for data, attributes, kind in others:
        if kind not in ("image", "labels") or attributes.get("multiscale"):
            continue
        shape = tuple(data.shape[: data.ndim - bool(attributes.get("rgb"))])
        if len(shape) < 3:
            continue
        try:
            grid = make_layer_grid(str(attributes.get("name", "")), shape, attributes)
            affine = None if grid.ndim != 3 else find_patient_affine(grid)[0]
        except CannotWrite:
            continue
        if affine is not None:
            yield grid, affine


def _is_offset_by_voxels(grid: LayerGrid, other: LayerGrid) -> bool:
    """Return whether a grid continues another: the same voxels, a whole number of them away."""
    index_map = relative_affine(other.index_to_world, grid.index_to_world)
    offset = index_map[:3, 3]
    has_same_voxels = np.allclose(
        np.abs(index_map[:3, :3]), np.eye(3), rtol=0, atol=MATRIX_TOLERANCE_MM
    )
    is_whole = np.allclose(offset, np.rint(offset), rtol=0, atol=GRID_OFFSET_TOLERANCE)
    return bool(has_same_voxels and is_whole)
