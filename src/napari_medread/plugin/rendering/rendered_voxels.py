"""Which voxels of a layer napari draws in 3D, and how large they are.

napari draws the coarsest level of a multiscale layer, and leaves out voxels along a side that is
longer than a 3D texture of the GPU may be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.core.affines import Float


def is_volume_layer(layer: Layer) -> bool:
    """Return whether a layer is an image or labels of three axes or more, not a colour picture."""
    return (
        isinstance(layer, Image | Labels) and layer.ndim >= 3 and not getattr(layer, "rgb", False)
    )


def get_spatial_shape(layer: Layer) -> tuple[int, ...]:
    """Return the number of voxels along a layer's last three axes."""
    return tuple(layer.data.shape[-3:])


def get_drawn_data(layer: Layer) -> Any:
    """Return the data that napari draws in 3D: the coarsest level of a multiscale layer."""
    return layer.data[-1] if layer.multiscale else layer.data


def count_drawn_bytes(layer: Layer) -> int:
    """Return the size in bytes of the volume that napari draws in 3D."""
    data = get_drawn_data(layer)
    return int(np.prod(data.shape[-3:]) * data.dtype.itemsize)


def get_texture_limit() -> int | None:
    """Return the maximum number of voxels along a side of a 3D texture; None if not known."""
    try:
        from napari._vispy.utils.gl import get_max_texture_sizes
    except ImportError:  # private to napari
        return None
    limit: int | None = get_max_texture_sizes()[1]
    return limit


def find_drawn_stride(layer: Layer) -> Float:
    """Return how many voxels there are for each one drawn along the last three axes, (3,)."""
    limit = get_texture_limit()
    shape = np.array(get_spatial_shape(layer), float)
    drawn_shape = np.array(get_drawn_data(layer).shape[-3:], float)
    texture_stride = np.ones(3) if limit is None else np.ceil(drawn_shape / limit)
    return np.asarray(texture_stride * shape / drawn_shape)


def find_voxel_size(layer: Layer) -> Float:
    """Return the size of a layer's voxels along its last three axes in mm, (3,).

    Where the unit is not mm, the sizes are scaled to a geometric mean of 1.
    """
    sizes = np.linalg.norm(find_world_matrix(layer)[:3, :3], axis=0)
    if any(str(unit) != "millimeter" for unit in layer.units[-3:]):
        sizes = sizes / np.prod(sizes) ** (1 / 3)
    return np.asarray(sizes)


def find_world_matrix(layer: Layer) -> Float:
    """Return the (4, 4) matrix from indices of a layer's last three axes to napari's world."""
    n = layer.ndim
    points = np.zeros((4, n))
    points[1:, n - 3 :] = np.eye(3)
    world = np.array([layer.data_to_world(point) for point in points])[:, n - 3 :]
    matrix = np.eye(4)
    matrix[:3, 3] = world[0]
    matrix[:3, :3] = (world[1:] - world[0]).T
    return matrix
