"""A box in millimetres that cuts layers in 3D, by napari's clipping planes.

napari says that these planes are in the layer's data coordinates, and hands them to vispy as
they are. vispy compares them with places in the scene, which are napari's world, counted from
a voxel's edge instead of its centre: a plane for the world's 10 mm cuts half a voxel off it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.core.affines import Float

_ALONG = 0.999
"""Cosine above which a plane's normal is along an axis of the world."""


def voxel_size(layer: Layer) -> Float:
    """Return the size of a layer's voxels along its last three axes in mm, (3,).

    Where the unit is another or none, a mean one is taken for 1 mm.
    """
    sizes = np.linalg.norm(_to_world(layer)[:3, :3], axis=0)
    if any(str(unit) != "millimeter" for unit in layer.units[-3:]):
        sizes = sizes / np.prod(sizes) ** (1 / 3)
    return np.asarray(sizes)


def texture_limit() -> int | None:
    """Return how many voxels a side may have in 3D on this GPU; None where it does not say."""
    try:
        from napari._vispy.utils.gl import get_max_texture_sizes
    except ImportError:  # private to napari
        return None
    limit: int | None = get_max_texture_sizes()[1]
    return limit


def drawn_step(layer: Layer) -> Float:
    """Return every how manieth voxel napari draws in 3D along the last three axes, (3,).

    It draws the coarsest of several resolutions, and leaves voxels out of a side that is
    longer than the GPU takes.
    """
    limit = texture_limit()
    shape = np.array(spatial_shape(layer), float)
    drawn = np.array(rendered(layer).shape[-3:], float)
    left_out = np.ones(3) if limit is None else np.ceil(drawn / limit)
    return np.asarray(left_out * shape / drawn)


def spatial_shape(layer: Layer) -> tuple[int, ...]:
    """Return the number of voxels along a layer's last three axes."""
    return tuple(layer.data.shape[-3:])


def rendered(layer: Layer) -> Any:
    """Return the data that napari draws in 3D: of several resolutions the coarsest."""
    return layer.data[-1] if layer.multiscale else layer.data


def whole_box(layer: Layer) -> Float:
    """Return from where to where a layer reaches in the world, edge to edge, (3, 2)."""
    shape = np.array(spatial_shape(layer))
    corners = np.array(np.meshgrid(*((-0.5, n - 0.5) for n in shape))).reshape(3, -1)
    matrix = _to_world(layer)
    places = matrix[:3, :3] @ corners + matrix[:3, 3:]
    return np.stack([places.min(axis=1), places.max(axis=1)], axis=1)


def cut(layer: Layer, box: Float) -> None:
    """Show only what of a layer lies in a box.

    Sides of the box at or beyond the layer's end cut nothing.

    Parameters
    ----------
    layer : Layer
        Of three axes or more.
    box : array
        (3, 2), from and to along the last three axes of the world.
    """
    whole, late = whole_box(layer), _late(layer)
    planes: list[dict[str, Any]] = []
    for axis in range(3):
        for end, sign in ((0, 1.0), (1, -1.0)):
            if (box[axis, end] - whole[axis, end]) * sign <= 0:
                continue
            position, normal = whole.mean(axis=1), np.zeros(3)
            position[axis], normal[axis] = box[axis, end] + late[axis], sign
            planes.append({"position": tuple(position), "normal": tuple(normal), "enabled": True})
    layer.experimental_clipping_planes = planes


def box_of(layer: Layer) -> Float:
    """Return the box to which a layer is cut, (3, 2); the whole of it where it is not."""
    box, late = whole_box(layer), _late(layer)
    for plane in layer.experimental_clipping_planes:
        axis = int(np.abs(plane.normal).argmax())
        if not plane.enabled or abs(plane.normal[axis]) < _ALONG:
            continue
        place = plane.position[axis] - late[axis]
        if plane.normal[axis] > 0:
            box[axis, 0] = max(box[axis, 0], place)
        else:
            box[axis, 1] = min(box[axis, 1], place)
    return box


def _late(layer: Layer) -> Float:
    """Return how far in the world planes have to be moved to cut where they should, (3,)."""
    return np.asarray(_to_world(layer)[:3, :3] @ (drawn_step(layer) / 2))


def _to_world(layer: Layer) -> Float:
    """Return the (4, 4) matrix from indices of the last three axes to the world."""
    n = layer.ndim
    points = np.zeros((4, n))
    points[1:, n - 3 :] = np.eye(3)
    places = np.array([layer.data_to_world(point) for point in points])[:, n - 3 :]
    matrix = np.eye(4)
    matrix[:3, 3] = places[0]
    matrix[:3, :3] = (places[1:] - places[0]).T
    return matrix


def is_volume(layer: Layer) -> bool:
    """Tell whether a layer is an image or labels of three axes or more, and no colour picture."""
    return (
        isinstance(layer, Image | Labels) and layer.ndim >= 3 and not getattr(layer, "rgb", False)
    )
