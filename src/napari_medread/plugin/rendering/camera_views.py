"""Views of the patient in 3D from six sides, upright and never mirrored."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Layer

from napari_medread.plugin.rendering.clipping_box import find_layer_box

VIEW_DIRECTIONS = {
    "Anterior": ((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)),
    "Posterior": ((0.0, -1.0, 0.0), (-1.0, 0.0, 0.0)),
    "Left": ((0.0, 0.0, -1.0), (-1.0, 0.0, 0.0)),
    "Right": ((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0)),
    "Superior": ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
    "Inferior": ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
}
"""The view direction and the up direction for each side, in napari's world (SI, AP, RL)."""

PATIENT_ORIENTATION = ("towards", "down", "right")
"""Camera orientation in which the axes (SI, AP, RL) show the patient, not a mirror image."""

_CANVAS_FRACTION = 0.9
"""Fraction of the canvas that a volume fills."""


def reset_axes(viewer: Any) -> None:
    """Put the axes of a viewer in their original order, not mirrored."""
    order = tuple(range(viewer.dims.ndim))
    if viewer.dims.order != order:
        viewer.dims.order = order
    if viewer.scene.camera.orientation != PATIENT_ORIENTATION:
        viewer.scene.camera.orientation = PATIENT_ORIENTATION


def view_from(viewer: Any, side: str, layer: Layer | None = None) -> None:
    """Switch to 3D and show the patient from a side; fit a layer to the canvas if given.

    Parameters
    ----------
    viewer : Viewer
    side : str
        A key of ``VIEW_DIRECTIONS``.
    layer : Layer, optional
        Of three axes or more.
    """
    if viewer.dims.ndisplay != 3:
        viewer.dims.ndisplay = 3
    reset_axes(viewer)
    viewer.scene.camera.set_view_direction(*VIEW_DIRECTIONS[side])
    if layer is None:
        return
    # viewer.reset_view(layers=[layer]) would keep the layer alive.
    depth, up = (int(np.abs(vector).argmax()) for vector in VIEW_DIRECTIONS[side])
    box = find_layer_box(layer)
    sizes = np.maximum(box[:, 1] - box[:, 0], 1e-9)
    height_and_width = np.array([sizes[up], sizes[3 - depth - up]])
    zoom = _CANVAS_FRACTION * np.min(np.array(viewer.canvas.size) / height_and_width)
    viewer.scene.camera.center = tuple(box.mean(axis=1).tolist())
    viewer.scene.camera.zoom = float(zoom)
