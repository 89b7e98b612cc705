"""The geometries of a viewer's layers in patient space."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.core.anatomical_directions import format_coordinate
from napari_medread.core.geometry import Geometry
from napari_medread.errors import MedReadError
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.planes.navigation.slice_navigation import find_visible_layer

_ROUNDING_FRACTION = 1e-4
"""Fraction of the largest component of a direction below which a component is rounding error."""


class LayerGeometries:
    """The geometry of each layer in patient space, as it is drawn now.

    Geometries are kept until ``forget_all`` is called, as finding one looks at all layers.
    Neither the viewer nor the layers are kept alive.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._geometries: weakref.WeakKeyDictionary[Layer, Geometry | None]
        self._geometries = weakref.WeakKeyDictionary()

    def get_viewer(self) -> Any | None:
        """Return the viewer, None if it no longer exists."""
        return self._viewer_ref()

    def forget_all(self) -> None:
        """Find all geometries again: a layer was added, removed or moved."""
        self._geometries.clear()

    def get_geometry(self, layer: Layer) -> Geometry | None:
        """Return the geometry of a layer in LPS; None if its position is not known."""
        if layer not in self._geometries:
            geometry = None
            if isinstance(layer, Image | Labels) and layer.ndim >= 3:
                try:
                    converted = volume_from_layer(layer, self._viewer_ref())
                    geometry = converted.volume.geometry if converted.has_patient_position else None
                except MedReadError:
                    geometry = None
            self._geometries[layer] = geometry
        return self._geometries[layer]

    def find_described_layer(self) -> Layer | None:
        """Return the layer the overlay describes: the active one, else the topmost.

        It has a position in patient space and is visible.
        """
        viewer = self._viewer_ref()
        if viewer is None:
            return None
        return find_visible_layer(viewer, lambda layer: self.get_geometry(layer) is not None)

    def format_slice_position(self, layer: Layer, axis: int) -> str:
        """Return the position of the displayed slice: ``S 88.1 mm``, or ``oblique``.

        Empty where the layer has no position in patient space, or the viewer's axis is not one
        of its grid.
        """
        viewer, geometry = self._viewer_ref(), self.get_geometry(layer)
        grid_axis = -1 if viewer is None else axis - (viewer.dims.ndim - 3)
        if viewer is None or geometry is None or grid_axis < 0:
            return ""
        index = np.array(layer.world_to_data(viewer.dims.point), dtype=float)[-3:]
        index[grid_axis] = np.rint(index[grid_axis])
        # The slice has one coordinate if neither of its in-plane directions has a part along it.
        in_plane = np.abs(np.delete(geometry.affine[:3, :3], grid_axis, axis=1))
        is_constant = (in_plane < _ROUNDING_FRACTION * in_plane.max()).all(axis=1)
        constant_axes = np.flatnonzero(is_constant)
        if len(constant_axes) != 1:
            return "oblique"
        patient_axis = int(constant_axes[0])
        return f"{format_coordinate(patient_axis, geometry.to_patient(index)[patient_axis])} mm"
