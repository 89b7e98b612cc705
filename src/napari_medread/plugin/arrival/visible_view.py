"""Sliders, slice and camera at the visible layers: napari's take hidden layers into account too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from napari_medread.plugin.bridge.camera_fit import (
    find_layers_extent,
    find_slice_range,
    fit_to_layers,
    fit_to_visible_layers,
)

_SMALLEST_SHARE = 0.6
"""Share of the canvas that visible layers fill at least in one direction, after napari's fit."""


def get_visible_layers(viewer: Any) -> list[Layer]:
    """Return the visible layers of a viewer, from the lowest to the topmost."""
    return [layer for layer in viewer.layers if layer.visible]


def limit_sliders(viewer: Any) -> None:
    """Let the sliders span the visible layers only; without any, they stay as napari has them.

    Where the viewer's point lies outside, it moves to the middle. Leading axes that no visible
    layer has keep their range.
    """
    visible, dims = get_visible_layers(viewer), viewer.dims
    if not visible:
        return
    ranges = _find_ranges(viewer, viewer.layers)
    if len(ranges) != dims.ndim:  # napari is about to change the number of axes
        return
    own = _find_ranges(viewer, visible)
    ranges[dims.ndim - len(own) :] = own
    if tuple(ranges) == tuple(map(tuple, dims.range)):
        return
    point = list(dims.point)
    for axis, (start, stop, step) in enumerate(ranges):
        if not start - step / 2 <= point[axis] <= stop + step / 2:
            point[axis] = _find_middle(start, stop, step)
    is_within = all(low <= at <= high for at, (low, high, _) in zip(point, dims.range, strict=True))
    if is_within:  # before the range is changed, so that no other slice is read meanwhile
        dims.point = tuple(point)
    dims.range = tuple(ranges)
    dims.point = tuple(point)


def show_middle(viewer: Any) -> None:
    """Go to the middle of the visible layers along all axes, and fit the camera to them."""
    limit_sliders(viewer)
    viewer.dims.point = tuple(_find_middle(*each) for each in viewer.dims.range)
    fit_to_visible_layers(viewer)


def bring_into_view(viewer: Any, layers: Sequence[Layer]) -> None:
    """Go to the first of some layers if the canvas shows none of them; else nothing changes.

    Parameters
    ----------
    viewer : ViewerModel
    layers : sequence of Layer
        Visible layers.
    """
    limit_sliders(viewer)
    if not layers or any(_is_in_view(viewer, layer) for layer in layers):
        return
    layer, dims = layers[0], viewer.dims
    point = list(dims.point)
    for axis, (start, stop, step) in enumerate(_find_ranges(viewer, [layer]), -layer.ndim):
        if not start - step / 2 <= point[axis] <= stop + step / 2:
            point[axis] = _find_middle(start, stop, step)
    dims.point = tuple(point)
    if not _is_in_view(viewer, layer):
        fit_to_layers(viewer, [layer])


def show_something(viewer: Any, changed: Sequence[Layer] = ()) -> None:
    """Go to a visible layer if the canvas shows none.

    Parameters
    ----------
    viewer : ViewerModel
    changed : sequence of Layer
        The layers to go to first, if they are visible: those that were just shown or selected.
    """
    visible = get_visible_layers(viewer)
    wanted = [layer for layer in changed if layer in visible]
    images = [layer for layer in reversed(visible) if isinstance(layer, Image | Labels)]
    if images and not any(_is_in_view(viewer, layer) for layer in visible):
        bring_into_view(viewer, [*wanted, *images][:1])


def is_small(viewer: Any) -> bool:
    """Return whether the visible layers fill little of a canvas in 2D."""
    visible = get_visible_layers(viewer)
    if not visible or viewer.dims.ndisplay != 2:
        return False
    low, high, canvas = _find_boxes(viewer, find_layers_extent(viewer, visible))
    return bool(((high - low) < _SMALLEST_SHARE * (canvas[1] - canvas[0])).all())


def shows_hidden(viewer: Any) -> bool:
    """Return whether the camera is where napari's own fit puts it for layers, some of them hidden.

    That is what the home button and its key do.
    """
    visible = get_visible_layers(viewer)
    if not 0 < len(visible) < len(viewer.layers):
        return False
    axes = [axis - viewer.dims.ndim for axis in viewer.dims.displayed]
    middle = find_layers_extent(viewer, viewer.layers)[:, axes].mean(axis=0)
    return bool(np.allclose(viewer.scene.camera.center[-len(axes) :], middle))


def _is_in_view(viewer: Any, layer: Layer) -> bool:
    """Return whether the displayed slice meets a layer, and the canvas shows some of it."""
    extent = find_layers_extent(viewer, [layer])
    dims = viewer.dims
    for axis in dims.not_displayed:
        n = axis - dims.ndim
        if n >= -layer.ndim and not extent[0, n] <= dims.point[axis] <= extent[1, n]:
            return False
    if dims.ndisplay != 2 or min(axis - dims.ndim for axis in dims.displayed) < -layer.ndim:
        return True
    low, high, canvas = _find_boxes(viewer, extent)
    return bool((low < canvas[1]).all() and (high > canvas[0]).all())


def _find_boxes(viewer: Any, extent: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Return the lowest and highest displayed coordinates of an extent, and both of the canvas."""
    low, high = extent[:, [axis - viewer.dims.ndim for axis in viewer.dims.displayed]]
    center = np.array(viewer.scene.camera.center[-2:])
    half = np.array(viewer.canvas.viewbox_size(viewer.layers)) / viewer.scene.camera.zoom / 2
    return low, high, np.stack([center - half, center + half])


def _find_ranges(viewer: Any, layers: Sequence[Layer]) -> list[tuple[float, float, float]]:
    """Return the lowest and highest coordinate and the step along each axis of layers."""
    low, high, step = find_slice_range(viewer, layers).tolist()
    return [*zip(low, high, step, strict=True)]


def _find_middle(start: float, stop: float, step: float) -> float:
    """Return the coordinate of the middle slice, as napari chooses it for a single layer."""
    return start + step * (round((stop - start) / (step or 1)) // 2)
