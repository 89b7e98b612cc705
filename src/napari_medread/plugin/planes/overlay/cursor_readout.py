"""Position and value of the voxel under the cursor."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image, Layer

from napari_medread.core.affines import Float
from napari_medread.core.anatomical_directions import format_position
from napari_medread.plugin.planes.overlay.layer_geometries import LayerGeometries


class CursorReadout(NamedTuple):
    """What is under the cursor.

    Attributes
    ----------
    position : str
        Patient coordinates in mm; empty where the layer has no position in patient space.
    value : str
        The voxel's value with its unit.
    layer_name : str
    """

    position: str
    value: str
    layer_name: str


def read_cursor(geometries: LayerGeometries) -> CursorReadout | None:
    """Return what is under a viewer's cursor in the topmost visible image there.

    None in 3D, and where the cursor is over no image.
    """
    viewer = geometries.get_viewer()
    if viewer is None or viewer.dims.ndisplay != 2:
        return None
    # napari's cursor keeps the slice in which it was last moved; the sliders have the present one.
    world = np.array(viewer.dims.point, dtype=float)
    displayed = list(viewer.dims.displayed)
    if len(viewer.cursor.position) != len(world):
        return None
    world[displayed] = np.asarray(viewer.cursor.position)[displayed]
    for layer in reversed(viewer.layers):
        if not isinstance(layer, Image) or not layer.visible:
            continue
        value = layer.get_value(world, world=True)
        if layer.multiscale and value is not None:
            value = value[1]
        if value is None:
            continue
        position = _format_layer_position(geometries, layer, world, displayed)
        return CursorReadout(position, _format_value(value, layer), layer.name)
    return None


def _format_layer_position(
    geometries: LayerGeometries, layer: Layer, world: Float, displayed: list[int]
) -> str:
    geometry = geometries.get_geometry(layer)
    if geometry is None:
        return ""
    index = np.array(layer.world_to_data(world), dtype=float)
    # The displayed slice is a slice of voxels, even if the slider is between two.
    for axis in range(layer.ndim):
        if axis + len(world) - layer.ndim not in displayed:
            index[axis] = np.rint(index[axis])
    return format_position(geometry.to_patient(index[-3:]))


def _format_value(value: Any, layer: Layer) -> str:
    values = np.atleast_1d(np.asarray(value))
    unit = "" if layer.rgb else str(layer.metadata.get("value_unit", ""))
    if values.dtype.kind in "biu":
        text = ", ".join(str(int(number)) for number in values)
    elif values.dtype.kind == "f":
        text = ", ".join("no value" if np.isnan(number) else f"{number:.5g}" for number in values)
    else:
        text = ", ".join(f"{number:.5g}" for number in values)
    return f"{text} {unit}".strip()
