"""The numbers of slices and of points on leading axes: counted from 1, as the slider goes."""

from __future__ import annotations

import numpy as np
from napari.layers import Layer

from napari_medread.plugin.bridge.volume_to_layer import get_finest_data

_MIN_STEP = 1e-9
"""Shortest step along a world axis; a shorter one is no step along it."""


def find_axis_step(layer: Layer, axis: int) -> float:
    """Return the step in the world from one index of a layer's axis to the next.

    It is negative where the slider goes down the indices, and 0 where the layer's axis is drawn
    along other axes.
    """
    index = np.zeros(layer.ndim)
    start = layer.data_to_world(index)[axis]
    index[axis] = 1
    step = float(layer.data_to_world(index)[axis] - start)
    return step if abs(step) >= _MIN_STEP else 0.0


def number_indices(layer: Layer, axis: int) -> range:
    """Return the number of each index of a layer's axis.

    The slider begins at number 1. For the patient's axes this is the slice nearest to the head,
    the front or the right.
    """
    total = int(get_finest_data(layer).shape[axis])
    return range(1, total + 1) if find_axis_step(layer, axis) >= 0 else range(total, 0, -1)
