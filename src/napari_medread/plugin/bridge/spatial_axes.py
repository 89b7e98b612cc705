"""Which axes of a layer are spatial, and where napari draws them."""

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
"""Matrices whose elements differ by no more than this, in mm, are the same."""


def is_same_matrix(one: Float, other: Float) -> bool:
    """Return whether two matrices differ by rounding only."""
    return bool(np.allclose(one, other, rtol=0, atol=MATRIX_TOLERANCE_MM))


class LayerGrid(NamedTuple):
    """The spatial axes of a layer, and where napari draws them.

    Attributes
    ----------
    name : str
        The name of the layer.
    shape : tuple of int
        The lengths of the spatial axes.
    index_to_world : (n + 1, n + 1) array
        From the indices of the n spatial axes to napari's world, in mm along axes with a unit of
        length.
    has_unit : bool
        Whether all spatial axes have a unit of length.
    labels : tuple of str
        The labels of the spatial axes.
    metadata : mapping
        The metadata of the layer.
    leading : tuple of Axis
        The axes before the spatial ones.
    factors : tuple of float
        Millimetres per unit of each spatial axis, 1 where it has no unit of length.
    """

    name: str
    shape: tuple[int, ...]
    index_to_world: Float
    has_unit: bool
    labels: tuple[str, ...]
    metadata: Mapping[str, Any]
    leading: tuple[Axis, ...]
    factors: tuple[float, ...]

    @property
    def ndim(self) -> int:
        """Number of spatial axes."""
        return len(self.index_to_world) - 1

    def is_same(self, other: LayerGrid) -> bool:
        """Return whether the voxels of two layers are drawn at the same positions."""
        return self.shape == other.shape and is_same_matrix(
            self.index_to_world, other.index_to_world
        )


def get_layer_grid(layer: Layer) -> LayerGrid:
    """Return the grid of a layer; the axes of a layer without voxels have the length 1.

    Raises
    ------
    CannotWrite
        Where its transform mixes spatial axes with others.
    """
    data, attributes, _ = layer.as_layer_data_tuple()
    finest = data[0] if attributes.get("multiscale") else data
    shape = getattr(finest, "shape", ()) if isinstance(layer, Image | Labels) else ()
    return make_layer_grid(layer.name, tuple(shape[: layer.ndim]) or (1,) * layer.ndim, attributes)


def compute_data_to_world_mm(layer: Layer, default_mm: Sequence[float]) -> Float:
    """Return the (n + 1, n + 1) matrix from a layer's n coordinates to the world in mm.

    Parameters
    ----------
    layer : Layer
    default_mm : sequence of float
        Millimetres per unit of the last axes, for those without a unit of length.
    """
    matrix = compute_index_to_world(layer.ndim, layer.as_layer_data_tuple()[1]).copy()
    for n, default in enumerate(reversed(default_mm[-layer.ndim :]), 1):
        matrix[-1 - n] *= get_mm_per_unit(layer.units[-n]) or default
    return matrix


def make_layer_grid(name: str, shape: tuple[int, ...], attributes: Mapping[str, Any]) -> LayerGrid:
    """Return the grid of a layer: its spatial axes, separated from those before them.

    Parameters
    ----------
    name : str
        The name of the layer.
    shape : tuple of int
        The shape of its data, without the colour axis.
    attributes : mapping
        As in napari's layer data.

    Raises
    ------
    CannotWrite
        Where its transform mixes spatial axes with others.
    """
    ndim = len(shape)
    labels = tuple(map(str, attributes.get("axis_labels") or ()))
    labels = labels if len(labels) == ndim else ("",) * ndim
    spatial = 2 if ndim == 2 or labels[-2:] == PLANE_LABELS else 3
    lead = ndim - spatial
    if lead < 0:
        raise CannotWrite(f"{name}: a layer of {ndim} axes is not an image.")
    matrix = compute_index_to_world(ndim, attributes)
    if matrix[:lead, lead:ndim].any() or matrix[lead:ndim, :lead].any():
        raise CannotWrite(
            f"{name}: its transform mixes spatial axes with others. Reset its rotation and shear."
        )
    units = attributes.get("units") or ("pixel",) * ndim
    factors = [get_mm_per_unit(unit) for unit in units]
    index_to_world = matrix[lead:, lead:].copy()
    index_to_world[:spatial, :] *= [[factor or 1.0] for factor in factors[lead:]]
    metadata = attributes.get("metadata") or {}
    leading = tuple(
        _make_leading_axis(label, unit, float(step), n, metadata)
        for label, unit, step, n in zip(labels[:lead], units, np.diag(matrix), shape, strict=False)
    )
    return LayerGrid(
        name,
        shape[lead:],
        index_to_world,
        all(factor is not None for factor in factors[lead:]),
        labels[lead:],
        metadata,
        leading,
        tuple(factor or 1.0 for factor in factors[lead:]),
    )


def _make_leading_axis(
    label: str, unit: Any, step: float, length: int, metadata: Mapping[str, Any]
) -> Axis:
    """Return an axis before the spatial ones, with its values if there is one for each index."""
    factor = get_mm_per_unit(unit)
    axis_unit = shorten_unit(unit) if factor is None else "mm"
    values = tuple(metadata.get("axes", {}).get(label, ()))
    values = values if len(values) == length else ()
    value_unit = str(metadata.get("axis_units", {}).get(label, "")) if values else ""
    return Axis(
        label if label and not label.startswith("-") else "frame",
        axis_unit,
        abs(step) * (factor or 1.0) or 1.0,
        values,
        "" if value_unit == axis_unit else value_unit,
    )
