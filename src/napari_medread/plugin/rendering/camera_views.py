"""Seeing the patient from a side: upright, whole, and no mirror image."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Layer

from napari_medread.plugin.rendering.clipping_box import whole_box

VIEWS = {
    "Anterior": ((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)),
    "Posterior": ((0.0, -1.0, 0.0), (-1.0, 0.0, 0.0)),
    "Left": ((0.0, 0.0, -1.0), (-1.0, 0.0, 0.0)),
    "Right": ((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0)),
    "Superior": ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
    "Inferior": ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
}
"""Where the patient is seen from: the way to look and what is up, in (SI, AP, RL)."""

UPRIGHT = ("towards", "down", "right")
"""The orientation of napari's axes in which (SI, AP, RL) is the patient, and no mirror image."""

_FILLED = 0.9
"""Share of the canvas that a volume fills."""


def straighten(viewer: Any) -> None:
    """Show the axes in their order, and not mirrored."""
    order = tuple(range(viewer.dims.ndim))
    if viewer.dims.order != order:
        viewer.dims.order = order
    if viewer.scene.camera.orientation != UPRIGHT:
        viewer.scene.camera.orientation = UPRIGHT


def look_from(viewer: Any, where: str, layer: Layer | None = None) -> None:
    """Turn the patient in 3D so as to be seen from somewhere, head up; fit a layer if given."""
    if viewer.dims.ndisplay != 3:
        viewer.dims.ndisplay = 3
    straighten(viewer)
    viewer.scene.camera.set_view_direction(*VIEWS[where])
    if layer is None:
        return
    # viewer.reset_view(layers=[layer]) would keep the layer alive.
    along, up = (int(np.abs(vector).argmax()) for vector in VIEWS[where])
    box = whole_box(layer)
    sizes = np.maximum(box[:, 1] - box[:, 0], 1e-9)
    seen = np.array([sizes[up], sizes[3 - along - up]])  # height and width
    viewer.scene.camera.center = tuple(box.mean(axis=1).tolist())
    viewer.scene.camera.zoom = float(_FILLED * np.min(np.array(viewer.canvas.size) / seen))
