"""Which axes of a layer are space, and where napari draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.core.affines import Float
from napari_medread.core.geometry import PLANE_LABELS
from napari_medread.core.volume import Axis
from napari_medread.errors import CannotWrite
from napari_medread.plugin.bridge.layer_transforms import (
    compute_index_to_world,
    get_mm_per_unit,
    shorten_unit,
)

MATRIX_TOLERANCE_MM = 1e-6
"""Transforms that differ by less, in mm, are the same."""


class LayerGrid(NamedTuple):
    """The axes of a layer that are space, and where napari draws them.

    Attributes
    ----------
    name : str
    shape : tuple of int
    drawn : array
        (n + 1, n + 1) matrix from their indices to the world, in mm where it has a unit.
    has_unit : bool
        Whether all of them have a unit of length.
    labels : tuple of str
    metadata : mapping
    leading : tuple of Axis
        The axes before them.
    factors : tuple of float
        Millimetres of one unit along each, 1 where it is none of length.
    """

    name: str
    shape: tuple[int, ...]
    drawn: Float
    has_unit: bool
    labels: tuple[str, ...]
    metadata: Mapping[str, Any]
    leading: tuple[Axis, ...]
    factors: tuple[float, ...]

    @property
    def ndim(self) -> int:
        """How many axes are space."""
        return len(self.drawn) - 1

    def is_same(self, other: LayerGrid) -> bool:
        """Tell whether the voxels of another are drawn where those of this are."""
        return self.shape == other.shape and bool(
            np.allclose(self.drawn, other.drawn, rtol=0, atol=MATRIX_TOLERANCE_MM)
        )


def get_layer_grid(layer: Layer) -> LayerGrid:
    """Return where napari draws a layer; of one without voxels, its axes have the length 1.

    Raises
    ------
    CannotWrite
        Where its transform mixes axes of space with others.
    """
    data, attributes, _ = layer.as_layer_data_tuple()
    finest = data[0] if attributes.get("multiscale") else data
    shape = getattr(finest, "shape", ()) if isinstance(layer, Image | Labels) else ()
    return make_layer_grid(layer.name, tuple(shape[: layer.ndim]) or (1,) * layer.ndim, attributes)


def compute_data_to_world_mm(layer: Layer, otherwise: Sequence[float]) -> Float:
    """Return the (n + 1, n + 1) matrix from a layer's n coordinates to the world in mm.

    Parameters
    ----------
    layer : Layer
    otherwise : sequence of float
        Millimetres of one unit along the last axes, for those of no unit of length.
    """
    matrix = compute_index_to_world(layer.ndim, layer.as_layer_data_tuple()[1]).copy()
    for back, other in enumerate(reversed(otherwise[-layer.ndim :]), 1):
        matrix[-1 - back] *= get_mm_per_unit(layer.units[-back]) or other
    return matrix


def make_layer_grid(name: str, shape: tuple[int, ...], attributes: Mapping[str, Any]) -> LayerGrid:
    """Separate the axes of space from those before them.

    Parameters
    ----------
    name : str
        Of the layer.
    shape : tuple of int
        Of its data, without that of colour.
    attributes : mapping
        As in napari's layer data.

    Raises
    ------
    CannotWrite
        Where its transform mixes axes of space with others.
    """
    ndim = len(shape)
    labels = tuple(map(str, attributes.get("axis_labels") or ()))
    labels = labels if len(labels) == ndim else ("",) * ndim
    count = 2 if ndim == 2 or labels[-2:] == PLANE_LABELS else 3
    lead = ndim - count
    if lead < 0:
        raise CannotWrite(f"{name}: a layer of {ndim} axes is no image.")
    matrix = compute_index_to_world(ndim, attributes)
    if matrix[:lead, lead:ndim].any() or matrix[lead:ndim, :lead].any():
        raise CannotWrite(
            f"{name}: its transform mixes axes of space with others. Reset its rotation and shear."
        )
    units = attributes.get("units") or ("pixel",) * ndim
    factors = [get_mm_per_unit(unit) for unit in units]
    drawn = matrix[lead:, lead:].copy()
    drawn[:count, :] *= [[factor or 1.0] for factor in factors[lead:]]
    metadata = attributes.get("metadata") or {}
    values = metadata.get("axes", {})
    leading = tuple(
        Axis(
            label if label and not label.startswith("-") else "frame",
            shorten_unit(unit) if factor is None else "mm",
            abs(float(step)) * (factor or 1.0) or 1.0,
            tuple(found) if len(found := values.get(label, ())) == n else (),
        )
        for label, unit, factor, step, n in zip(
            labels[:lead], units, factors, np.diag(matrix), shape, strict=False
        )
    )
    return LayerGrid(
        name,
        shape[lead:],
        drawn,
        all(factor is not None for factor in factors[lead:]),
        labels[lead:],
        metadata,
        leading,
        tuple(factor or 1.0 for factor in factors[lead:]),
    )
