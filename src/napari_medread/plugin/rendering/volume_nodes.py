"""How napari draws a layer in 3D: its texture given back, its rays sampled more coarsely.

napari has no public way to either, so this reaches into private parts of its canvas. Where a later
napari is built differently, nothing is found and nothing is done.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
from napari.layers import Layer

from napari_medread.plugin.gui.viewer_references import unwrap_viewer

COARSE_STEP_FACTOR = 2
"""How many times further apart the samples along a ray are while it is drawn coarsely."""

_MAX_KEPT_NODES = 16
"""More volumes than that are hardly removed between two drawings."""


def release_hidden_volumes(viewer: Any) -> None:
    """Give back the volumes that a viewer in 2D keeps from 3D.

    napari keeps each as single-precision numbers, in memory and on the GPU, and yet makes both
    anew whenever 3D is displayed.
    """
    for layer in viewer.layers:
        node, is_displayed = _find_volume_node(viewer, layer)
        if not is_displayed:
            _give_back(node)


class RemovedVolumes:
    """Keeps what vispy drew the latest removed volumes with, without their voxels.

    Mesa 22.3, which draws where there is no GPU, ends the process at the next drawing otherwise:
    the program that it has drawn with last is deleted with the layer.
    """

    def __init__(self) -> None:
        self._nodes: deque[Any] = deque(maxlen=_MAX_KEPT_NODES)

    def keep(self, viewer: Any, layer: Layer) -> None:
        """Keep the node of a layer that is about to be removed, if it was shown in 3D."""
        node, _ = _find_volume_node(viewer, layer)
        if _give_back(node):
            self._nodes.append(node)


class CoarseDrawing:
    """Draws volumes with fewer samples along each ray, from ``begin`` to ``end``."""

    def __init__(self) -> None:
        self._fine_steps: weakref.WeakKeyDictionary[Any, float] = weakref.WeakKeyDictionary()

    def begin(self, viewer: Any, layers: Iterable[Layer]) -> None:
        """Draw layers coarsely from their next drawing on; those that are already stay so."""
        for layer in layers:
            node, is_displayed = _find_volume_node(viewer, layer)
            step = getattr(node, "relative_step_size", None)
            if is_displayed and step is not None and node not in self._fine_steps:
                self._fine_steps[node] = step
                node.relative_step_size = step * COARSE_STEP_FACTOR

    def end(self) -> None:
        """Draw the layers as before, at once."""
        for node, step in self._fine_steps.items():
            node.relative_step_size = step
            node.update()
        self._fine_steps.clear()


def _give_back(node: Any) -> bool:
    """Replace a node's volume by a single voxel; return whether it ever had one."""
    data = getattr(node, "_last_data", None)
    if not isinstance(data, np.ndarray):
        return False
    if data.size > 1:
        node.set_data(np.zeros((1, 1, 1, *data.shape[3:]), data.dtype))  # colours come last
    return True


def _find_volume_node(viewer: Any, layer: Layer) -> tuple[Any, bool]:
    """Return vispy's node for a layer's volume, or None, and whether it is in the scene now."""
    qt_viewer = getattr(getattr(unwrap_viewer(viewer), "window", None), "_qt_viewer", None)
    visuals = getattr(getattr(qt_viewer, "canvas", None), "layer_to_visual", {})
    visual = visuals.get(layer)
    node = getattr(getattr(visual, "_layer_node", None), "_volume_node", None)
    return node, node is not None and getattr(visual, "node", None) is node
