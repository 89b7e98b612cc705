"""Which slice of which layer is displayed, and moving to another slice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.plugin.bridge.slice_numbers import find_axis_step, number_indices
from napari_medread.plugin.bridge.volume_to_layer import get_finest_data


class DisplayedSlice(NamedTuple):
    """The slice of a layer that is displayed.

    Attributes
    ----------
    number, total : int
        Counted from 1 in the direction of the slider. 0: the slider is outside the layer.
    axis : int
        The viewer's axis along which the slices are stacked.
    layer : Layer
    """

    number: int
    total: int
    axis: int
    layer: Layer


def find_scroll_axis(viewer: Any) -> int | None:
    """Return the axis to scroll along: the innermost sliced axis with more than one step.

    None in 3D, and where there is no such axis.
    """
    dims = viewer.dims
    if dims.ndisplay != 2:
        return None
    axes = [axis for axis in reversed(dims.not_displayed) if dims.nsteps[axis] > 1]
    return axes[0] if axes else None


def find_displayed_slice(viewer: Any) -> DisplayedSlice | None:
    """Return the slice that is displayed; None where there are no slices."""
    axis, layer = find_scroll_axis(viewer), find_sliced_layer(viewer)
    if axis is None or layer is None:
        return None
    position = _find_slice_position(viewer, layer, axis)
    if position is None:
        return None
    index, count, _ = position
    nearest = int(np.rint(index))
    if not 0 <= nearest < count:
        return DisplayedSlice(0, count, axis, layer)
    numbers = number_indices(layer, axis - (viewer.dims.ndim - layer.ndim))
    return DisplayedSlice(numbers[nearest], count, axis, layer)


def move_slices(viewer: Any, slices: int) -> bool:
    """Move by a number of slices of the sliced layer, not beyond its ends.

    Where no layer has slices along the axis, move by steps of the slider.

    Returns
    -------
    bool
        Whether there is an axis to scroll along.
    """
    axis, layer = find_scroll_axis(viewer), find_sliced_layer(viewer)
    if axis is None:
        return False
    position = None if layer is None else _find_slice_position(viewer, layer, axis)
    if position is None:
        last_step = viewer.dims.nsteps[axis] - 1
        new_step = int(np.clip(viewer.dims.current_step[axis] + slices, 0, last_step))
        viewer.dims.set_current_step(axis, new_step)
        return True
    index, count, step = position
    new_index = np.clip(np.rint(index) + slices * np.sign(step), 0, count - 1)
    viewer.dims.set_point(axis, viewer.dims.point[axis] + (new_index - index) * step)
    return True


def find_sliced_layer(viewer: Any) -> Layer | None:
    """Return the layer whose slices are counted: an image or labels."""
    return find_visible_layer(viewer, lambda layer: isinstance(layer, Image | Labels))


def find_visible_layer(viewer: Any, is_suitable: Callable[[Layer], bool]) -> Layer | None:
    """Return the active layer if it is visible and suitable, else the topmost that is."""
    active = viewer.layers.selection.active
    candidates = [*([] if active is None else [active]), *reversed(viewer.layers)]
    return next((layer for layer in candidates if layer.visible and is_suitable(layer)), None)


def _find_slice_position(viewer: Any, layer: Layer, axis: int) -> tuple[float, int, float] | None:
    """Return where a layer is sliced along a viewer's axis.

    Returns
    -------
    tuple or None
        The fractional slice index, the number of slices, and the step between slices in the
        world. None where the layer has no such axis.
    """
    layer_axis = axis - (viewer.dims.ndim - layer.ndim)
    if layer_axis < 0:
        return None
    step = find_axis_step(layer, layer_axis)
    if not step:
        return None
    index = layer.world_to_data(viewer.dims.point)[layer_axis]
    return float(index), int(get_finest_data(layer).shape[layer_axis]), step
