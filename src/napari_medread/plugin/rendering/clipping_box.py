"""Clipping layers to a box in 3D, by napari's clipping planes.

napari documents these planes as being in the layer's data coordinates, and hands them to vispy
unchanged. vispy compares them with positions in the scene, which are napari's world but counted
from the edge of a voxel, not its centre: a plane at 10 mm would clip half a voxel off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Layer

from napari_medread.core.affines import Float
from napari_medread.plugin.rendering.rendered_voxels import (
    find_drawn_stride,
    find_world_matrix,
    get_spatial_shape,
)

_MIN_AXIS_COSINE = 0.999
"""Cosine from which on the normal of a plane counts as parallel to a world axis."""


def find_layer_box(layer: Layer) -> Float:
    """Return the bounding box of a layer in napari's world, edge to edge.

    Returns
    -------
    array
        (3, 2), start and end along the last three axes of the world.
    """
    shape = np.array(get_spatial_shape(layer))
    corners = np.array(np.meshgrid(*((-0.5, n - 0.5) for n in shape))).reshape(3, -1)
    matrix = find_world_matrix(layer)
    world = matrix[:3, :3] @ corners + matrix[:3, 3:]
    return np.stack([world.min(axis=1), world.max(axis=1)], axis=1)


def clip_to_box(layer: Layer, box: Float) -> None:
    """Show only the part of a layer that lies in a box.

    Sides of the box at or beyond the end of the layer clip nothing.

    Parameters
    ----------
    layer : Layer
        Of three axes or more.
    box : array
        (3, 2), start and end along the last three axes of the world.
    """
    layer_box, offset = find_layer_box(layer), _find_plane_offset(layer)
    planes: list[dict[str, Any]] = []
    for axis in range(3):
        for end, sign in ((0, 1.0), (1, -1.0)):
            if (box[axis, end] - layer_box[axis, end]) * sign <= 0:
                continue
            position, normal = layer_box.mean(axis=1), np.zeros(3)
            position[axis], normal[axis] = box[axis, end] + offset[axis], sign
            planes.append({"position": tuple(position), "normal": tuple(normal), "enabled": True})
    layer.experimental_clipping_planes = planes


def find_clipping_box(layer: Layer) -> Float:
    """Return the box that a layer is clipped to, (3, 2); its bounding box if it is not clipped."""
    box, offset = find_layer_box(layer), _find_plane_offset(layer)
    for plane in layer.experimental_clipping_planes:
        axis = int(np.abs(plane.normal).argmax())
        if not plane.enabled or abs(plane.normal[axis]) < _MIN_AXIS_COSINE:
            continue
        position = plane.position[axis] - offset[axis]
        if plane.normal[axis] > 0:
            box[axis, 0] = max(box[axis, 0], position)
        else:
            box[axis, 1] = min(box[axis, 1], position)
    return box


def _find_plane_offset(layer: Layer) -> Float:
    """Return how far planes have to be shifted in the world: half a drawn voxel, (3,)."""
    return np.asarray(find_world_matrix(layer)[:3, :3] @ (find_drawn_stride(layer) / 2))
