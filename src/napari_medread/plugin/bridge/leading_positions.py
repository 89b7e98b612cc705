"""Where a viewer's point lies on the leading axes of a layer: time, echo, b-value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.core.axis_positions import format_axis_value
from napari_medread.errors import CannotWrite
from napari_medread.plugin.bridge.slice_numbers import number_indices
from napari_medread.plugin.bridge.spatial_axes import get_layer_grid


class LeadingPosition(NamedTuple):
    """A position on one leading axis of a layer.

    Attributes
    ----------
    axis : int
        The axis of the layer.
    label : str
        The label of the axis.
    number, total : int
        Counted from 1 as the slider goes.
    value : str
        The value with its unit, such as ``6.4 s``; empty where there is none.
    """

    axis: int
    label: str
    number: int
    total: int
    value: str


def find_slider_positions(viewer: Any, layer: Layer) -> list[LeadingPosition]:
    """Return where a viewer's sliders stand on the leading axes of a layer, outermost first.

    Axes of one step are left out, axes that are displayed, and those along which the slider
    is outside the layer.
    """
    dims = viewer.dims
    if not isinstance(layer, Image | Labels) or not 3 <= layer.ndim <= dims.ndim:
        return []
    indices = np.rint(layer.world_to_data(np.asarray(dims.point, float)[-layer.ndim :]))
    first = dims.ndim - layer.ndim
    return [
        position
        for position in describe_frame(layer, [int(index) for index in indices])
        if first + position.axis not in dims.displayed
    ]


def describe_frame(layer: Layer, indices: Sequence[int]) -> list[LeadingPosition]:
    """Return the positions on the leading axes of a layer, by the indices of a frame.

    Axes of one step are left out, and those along which the index lies outside the layer.
    """
    try:
        leading = get_layer_grid(layer).leading
    except CannotWrite:
        return []
    positions = []
    for n, axis in enumerate(leading):
        index, numbers = indices[n], number_indices(layer, n)
        if len(numbers) > 1 and 0 <= index < len(numbers):
            value = format_axis_value(axis, index)
            positions.append(LeadingPosition(n, axis.label, numbers[index], len(numbers), value))
    return positions
