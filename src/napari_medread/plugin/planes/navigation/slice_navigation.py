"""Which slice of a layer is shown, and the way to the next one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image, Labels, Layer

_SMALL = 1e-9
"""A step in mm that leads nowhere."""


class Slice(NamedTuple):
    """The slice of a layer that is shown.

    Attributes
    ----------
    number, total : int
        Counted from 1, as the slider goes. 0: the slider stands beside the layer.
    axis : int
        The viewer's axis along which the slices lie.
    layer : Layer
    """

    number: int
    total: int
    axis: int
    layer: Layer


def sliced_axis(viewer: Any) -> int | None:
    """Return the axis to move along: the plane's, or if it is one slice thin, the next outer."""
    dims = viewer.dims
    if dims.ndisplay != 2:
        return None
    axes = [axis for axis in reversed(dims.not_displayed) if dims.nsteps[axis] > 1]
    return axes[0] if axes else None


def slice_shown(viewer: Any) -> Slice | None:
    """Return the slice that is shown, None where there are none."""
    axis, layer = sliced_axis(viewer), sliced_layer(viewer)
    if axis is None or layer is None:
        return None
    found = _at(viewer, layer, axis)
    if found is None:
        return None
    index, count, step = found
    shown = int(np.rint(index))
    if not 0 <= shown < count:
        return Slice(0, count, axis, layer)
    return Slice(shown + 1 if step > 0 else count - shown, count, axis, layer)


def move(viewer: Any, slices: int) -> bool:
    """Move by a number of slices of the layer that is looked at, and not beyond its ends.

    Returns
    -------
    bool
        Whether there is an axis to move along.
    """
    axis, layer = sliced_axis(viewer), sliced_layer(viewer)
    if axis is None:
        return False
    found = None if layer is None else _at(viewer, layer, axis)
    if found is None:
        last = viewer.dims.nsteps[axis] - 1
        wanted = int(np.clip(viewer.dims.current_step[axis] + slices, 0, last))
        viewer.dims.set_current_step(axis, wanted)
        return True
    index, count, step = found
    centre = np.clip(np.rint(index) + slices * np.sign(step), 0, count - 1)
    viewer.dims.set_point(axis, viewer.dims.point[axis] + (centre - index) * step)
    return True


def sliced_layer(viewer: Any) -> Layer | None:
    """Return the layer whose slices are counted."""
    return looked_at(viewer, lambda each: isinstance(each, Image | Labels))


def looked_at(viewer: Any, fits: Callable[[Layer], bool]) -> Layer | None:
    """Return the active layer if it is visible and fits, else the topmost that does."""
    active = viewer.layers.selection.active
    candidates = [*([] if active is None else [active]), *reversed(viewer.layers)]
    return next((each for each in candidates if each.visible and fits(each)), None)


def _at(viewer: Any, layer: Layer, axis: int) -> tuple[float, int, float] | None:
    """Return where a layer is cut: index, number of slices, and the step from one to the next.

    None where the layer has no axis of its own there.
    """
    own = axis - (viewer.dims.ndim - layer.ndim)
    if own < 0:
        return None
    index = np.array(layer.world_to_data(viewer.dims.point), dtype=float)
    ahead = index.copy()
    ahead[own] += 1
    step = layer.data_to_world(ahead)[own] - layer.data_to_world(index)[own]
    if abs(step) < _SMALL:
        return None
    shape = layer.level_shapes[0] if layer.multiscale else layer.data.shape
    return float(index[own]), int(shape[own]), float(step)
