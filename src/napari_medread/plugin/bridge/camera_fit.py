"""Fitting a viewer's camera to the visible layers: napari's own fit takes hidden ones too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray

CANVAS_FRACTION = 0.95
"""How much of the canvas the layers fill, as with napari's own fit."""


def find_layers_extent(viewer: Any, layers: Sequence[Layer]) -> NDArray[np.float64]:
    """Return the box of some layers of a viewer, with the whole of the outermost voxels.

    Returns
    -------
    (2, n) array
        The lowest and highest coordinates in napari's world along the last n axes, n being the
        most axes that a layer has.
    """
    low, high, step = find_slice_range(viewer, layers)
    half_voxel = np.nan_to_num(step) / 2
    return np.stack([low - half_voxel, high + half_voxel])


def find_slice_range(viewer: Any, layers: Sequence[Layer]) -> NDArray[np.float64]:
    """Return where the first and last voxels of some layers are, and the smallest step between two.

    Returns
    -------
    (3, n) array
        Along the last n axes of napari's world, n being the most axes that a layer has.
    """
    # That of all layers is kept by napari; to find one anew takes time with many layers.
    is_all = len(layers) == len(viewer.layers)
    extent = viewer.layers.extent if is_all else viewer.layers.get_extent(layers)
    ranges = np.stack([*np.asarray(extent.world, dtype=float), extent.step])
    units = (viewer.layers.extent.units or ())[-ranges.shape[1] :]
    if extent.units and units and extent.units != units:
        # The world has the smallest unit of all layers, hidden ones among them.
        ranges *= [
            (1 * own).to(world).magnitude for own, world in zip(extent.units, units, strict=True)
        ]
    return ranges


def fit_to_visible_layers(viewer: Any) -> None:
    """Fit the camera to the visible layers; where there are none, to all."""
    visible = [layer for layer in viewer.layers if layer.visible]
    if visible:
        fit_to_layers(viewer, visible)
    else:
        viewer.fit_to_view()


def fit_to_layers(viewer: Any, layers: Sequence[Layer]) -> None:
    """Fit the camera to some layers, as ``viewer.fit_to_view()`` does to all.

    Angles stay, and ``viewer.events.reset_view`` is emitted, as napari does. Its own
    ``viewer.fit_to_view(layers=...)`` would leave a second list of the layers connected to them.

    Parameters
    ----------
    viewer : ViewerModel
    layers : sequence of Layer
        At least one.
    """
    extent = find_layers_extent(viewer, layers)
    axes = [axis - viewer.dims.ndim for axis in viewer.dims.displayed]
    if min(axes) < -extent.shape[1]:  # an axis is displayed that none of them has
        viewer.fit_to_view()
        return
    low, high = extent[:, axes]
    sizes = high - low
    camera = viewer.scene.camera
    center = (low + high) / 2
    if len(axes) == 3:
        # What is drawn upwards, and to the side, of a box seen from where the camera is.
        up, view = np.array(camera.up_direction), np.array(camera.view_direction)
        sizes = np.array([np.abs(up) @ sizes, np.abs(np.cross(view, up)) @ sizes])
    else:
        center = np.array([0.0, *center])
    sizes[np.isclose(sizes, 0)] = 1  # as napari has it: a single point fills one unit
    camera.center = tuple(center.tolist())
    canvas_size = np.array(viewer.canvas.viewbox_size(viewer.layers), dtype=float)
    camera.zoom = CANVAS_FRACTION * float(np.min(canvas_size / sizes))
    viewer.events.reset_view(center=camera.center, zoom=camera.zoom, angles=camera.angles)
