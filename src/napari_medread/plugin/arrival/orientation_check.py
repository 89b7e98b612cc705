"""Whether visible layers lie in the patient as they are drawn over each other."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from napari.layers import Layer

from napari_medread.core.affines import Float
from napari_medread.plugin.bridge.oblique_drawings import find_own_world_to_patient

TOLERATED_SHIFT = 0.5
"""Distance in voxels, of the smallest size of either layer, by which two layers may be off."""

_MIN_ANGLE_DEG = 0.05
"""Smallest angle to tell; other layers are told by how far they are off."""

_ROTATION_TOLERANCE = 1e-3
"""By how much a rotation may be off, from rounded directions. The tilt of a gantry is more."""


class OrientationDifference(NamedTuple):
    """Two layers that do not lie in the patient as they are drawn.

    Attributes
    ----------
    lower, upper : Layer
    angle : float
        The angle between their axes, in degrees.
    shift : float
        The largest distance in mm between the points of the patient that are drawn at the same
        point, where the layers overlap.
    """

    lower: Layer
    upper: Layer
    angle: float
    shift: float


def find_orientation_differences(layers: Iterable[Layer]) -> list[OrientationDifference]:
    """Return the pairs of visible layers that are drawn over each other, but lie differently.

    napari draws oblique layers straight in 2D. Layers of equal orientation still agree then; others
    only seem to. In patient space, all layers agree.

    Parameters
    ----------
    layers : iterable of Layer
        All layers of a viewer, from the lowest to the topmost.
    """
    drawn = [
        (layer, world_to_patient)
        for layer in layers
        if layer.visible and (world_to_patient := find_own_world_to_patient(layer)) is not None
    ]
    if _is_one_orientation(drawn):  # as is usual, and pairs are many
        return []
    return [
        OrientationDifference(lower, upper, _find_angle(one, other), shift)
        for (lower, one), (upper, other) in itertools.combinations(drawn, 2)
        if (shift := _find_shift(lower, upper, one, other))
        > TOLERATED_SHIFT * min(_find_voxel_size(lower), _find_voxel_size(upper))
    ]


def describe_differences(differences: list[OrientationDifference]) -> str:
    """Return the warning about layers that lie differently, as sentences."""
    first, more = differences[0], len(differences) - 1
    names = f"{first.upper.name} and {first.lower.name}"
    if first.angle >= _MIN_ANGLE_DEG:
        what = f"{names} lie at an angle of {first.angle:.1f}° to each other in the patient, but"
        what += " both are drawn straight: they do not match where they overlap."
    else:
        what = f"{names} are drawn up to {first.shift:.1f} mm off each other: they do not match."
    others = f" Neither do {more} other {'pair' if more == 1 else 'pairs'} of layers."
    return f"{what}{others if more else ''} To compare them, resample one to the other's grid."


def _is_one_orientation(drawn: list[tuple[Layer, Float]]) -> bool:
    """Return whether layers match wherever any of them is drawn, by a look at each."""
    if len(drawn) < 2:
        return True
    corners = np.vstack([_find_corners(layer.extent.world) for layer, _ in drawn])
    box = _find_corners(np.stack([corners.min(axis=0), corners.max(axis=0)])[:, :3])
    matrices = np.stack([world_to_patient for _, world_to_patient in drawn])
    shifts = np.linalg.norm((box @ (matrices - matrices[0]).transpose(0, 2, 1))[..., :3], axis=-1)
    voxel_size = min(_find_voxel_size(layer) for layer, _ in drawn)
    return bool(shifts.max() <= TOLERATED_SHIFT / 2 * voxel_size)


def _find_shift(lower: Layer, upper: Layer, one: Float, other: Float) -> float:
    """Return how far two layers are off in mm, at the corners of the box that they share.

    0 where they share none, neither as they are drawn nor in the patient.
    """
    lower_box, upper_box = (_find_corners(layer.extent.world) for layer in (lower, upper))
    shared = _find_shared_box(lower_box, upper_box)
    if shared is None and _find_shared_box(lower_box @ one.T, upper_box @ other.T) is None:
        return 0.0
    corners = np.vstack([lower_box, upper_box]) if shared is None else _find_corners(shared)
    return float(np.linalg.norm((corners @ (one - other).T)[:, :3], axis=1).max())


def _find_corners(box: Float) -> Float:
    """Return the corners of a box along the last three axes, with a 1 for a matrix."""
    corners = np.array([*itertools.product(*box[:, -3:].T)])
    return np.column_stack([corners, np.ones(len(corners))])


def _find_shared_box(corners: Float, others: Float) -> Float | None:
    """Return the lowest and highest coordinates of what two boxes share, None if nothing."""
    low = np.maximum(corners.min(axis=0), others.min(axis=0))[:3]
    high = np.minimum(corners.max(axis=0), others.max(axis=0))[:3]
    return None if (low > high).any() else np.stack([low, high])


def _find_angle(one: Float, other: Float) -> float:
    """Return the angle in degrees between the axes of two matrices; 0 where one is sheared."""
    turn = one[:3, :3].T @ other[:3, :3]
    if not np.allclose(turn @ turn.T, np.eye(3), atol=_ROTATION_TOLERANCE):
        return 0.0
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))


def _find_voxel_size(layer: Layer) -> float:
    return float(np.abs(np.asarray(layer.extent.step)[-3:]).min())
