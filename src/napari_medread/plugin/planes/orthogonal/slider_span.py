"""The span of a model's sliders, where it shows fewer layers than the viewer that it follows."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image

_MIN_LENGTH = 1e-9
"""Shortest range of a slider; a shorter one is a single point."""


class SliderSpan:
    """Gives a model's sliders the axes, range and units of another viewer's.

    napari takes them from the layers of a model, so an invisible layer with two voxels along each
    axis stands for the layers that the model lacks. Without it, a point that lies outside of the
    model's layers would move to their edge, and another slice would be shown.

    Parameters
    ----------
    model : ViewerModel
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._layer: Image | None = None
        self._spanned: tuple[Any, ...] = ()

    def match(self, viewer: Any) -> None:
        """Span what the sliders of a viewer span."""
        units = viewer.layers.extent.units
        spanned = tuple(viewer.dims.range), units
        if self._layer is not None and spanned == self._spanned:
            return
        before, self._spanned = self._layer, spanned
        start, stop, step = np.array(viewer.dims.range, dtype=float).T
        is_point = stop - start < _MIN_LENGTH
        self._layer = Image(
            np.broadcast_to(np.uint8(0), np.where(is_point, 1, 2)),
            scale=np.where(is_point, step, stop - start),
            translate=start,
            units=units,
            contrast_limits=(0, 1),
            visible=False,
            name="span of the sliders",
        )
        self._model.layers.append(self._layer)
        if before is not None:
            self._model.layers.remove(before)

    def clear(self) -> None:
        """Span the layers of the model only."""
        if self._layer is not None:
            self._model.layers.remove(self._layer)
        self._layer = None
