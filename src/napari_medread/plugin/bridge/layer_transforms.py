"""Where napari draws a layer: its transform as one matrix, and its units in millimetres."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pint
from napari.layers import Layer
from napari.utils.transforms import CompositeAffine
from numpy.typing import NDArray

_SHORT_UNITS = {"second": "s", "millisecond": "ms", "microsecond": "us"}
"""The names of units in napari, and in volumes."""


def compute_index_to_world(ndim: int, attributes: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the (n + 1, n + 1) matrix from array index to napari's world, in the layer's units.

    Parameters
    ----------
    ndim : int
        The number of axes, n.
    attributes : mapping
        As in napari's layer data.
    """
    matrix = CompositeAffine(
        scale=attributes.get("scale", (1.0,) * ndim),
        translate=attributes.get("translate", (0.0,) * ndim),
        rotate=attributes.get("rotate"),
        shear=attributes.get("shear"),
        ndim=ndim,
    ).affine_matrix
    affine = attributes.get("affine")
    return np.asarray(matrix if affine is None else np.asarray(affine) @ matrix, dtype=float)


def get_mm_per_unit(unit: Any) -> float | None:
    """Return how many millimetres a unit of length is, None for another unit."""
    if str(unit) in ("mm", "millimeter"):
        return 1.0
    try:
        factor = pint.get_application_registry()(str(unit)).to("mm").magnitude  # type: ignore[no-untyped-call]
    except pint.PintError:
        return None
    return float(factor) if math.isfinite(factor) and factor > 0 else None


def shorten_unit(unit: Any) -> str:
    """Return the name that volumes use for a unit of napari."""
    return _SHORT_UNITS.get(str(unit), str(unit))


def get_displayed_frame(layer: Layer, ndim: int, point: Sequence[float]) -> tuple[int, ...]:
    """Return the indices of the displayed frame along the axes before the spatial ones.

    Parameters
    ----------
    layer : Layer
    ndim : int
        The number of spatial axes.
    point : sequence of float
        The point that the viewer shows, in napari's world.
    """
    leading = layer.ndim - ndim
    world = np.zeros(layer.ndim)
    # napari aligns the axes of layers at the last one.
    known = np.asarray(point, dtype=float)[-layer.ndim :]
    world[layer.ndim - len(known) :] = known
    index = np.rint(np.asarray(layer.world_to_data(world))[:leading]).astype(int)
    return tuple(np.clip(index, 0, np.array(layer.data.shape[:leading]) - 1).tolist())
