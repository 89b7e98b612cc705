"""Where the layers of a viewer lie in the patient, and what is seen of them."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.core.affines import Float
from napari_medread.core.anatomy import along, coordinates, letters
from napari_medread.core.geometry import Geometry
from napari_medread.errors import MedReadError
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.planes.navigation.slice_navigation import looked_at

_LEVEL = 1e-4
"""Part of a direction that may be rounding."""


class Edges(NamedTuple):
    """The letters at the edges of what is seen."""

    top: str
    bottom: str
    left: str
    right: str


class Pointed(NamedTuple):
    """What lies under a point of the window.

    Attributes
    ----------
    place : str
        Its coordinates in the patient; empty where the layer has none.
    value : str
        The voxel's value with its unit.
    layer : str
        The layer's name.
    """

    place: str
    value: str
    layer: str


class Places:
    """The geometries of a viewer's layers in the patient.

    They are kept until ``forget`` is called, as finding them looks at all layers. Neither
    the viewer nor the layers are kept alive.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_of = weakref.ref(viewer)
        self._known: weakref.WeakKeyDictionary[Layer, Geometry | None] = weakref.WeakKeyDictionary()

    def forget(self) -> None:
        """Look again: a layer was added, removed or moved."""
        self._known.clear()

    def of(self, layer: Layer) -> Geometry | None:
        """Return the grid of a layer in LPS, None if its position is not known."""
        if layer not in self._known:
            geometry = None
            if isinstance(layer, Image | Labels) and layer.ndim >= 3:
                try:
                    shown = volume_from_layer(layer, self._viewer_of())
                    geometry = shown.volume.geometry if shown.in_patient else None
                except MedReadError:
                    geometry = None
            self._known[layer] = geometry
        return self._known[layer]

    def shown(self) -> Layer | None:
        """Return the layer that what is seen is told of: the active one, else the topmost.

        It has a position in the patient and is visible.
        """
        viewer = self._viewer_of()
        if viewer is None:
            return None
        return looked_at(viewer, lambda each: self.of(each) is not None)

    def edges(self) -> Edges | None:
        """Return the letters at the edges of the canvas, None where there are none to be told."""
        viewer, layer = self._viewer_of(), self.shown()
        if viewer is None or layer is None:
            return None
        found = self._edges_of(layer)
        # Side by side, what is seen at an edge may be another layer.
        is_grid = viewer.canvas.grid.enabled
        return None if is_grid and self.others(with_unknown=True) else found

    def others(self, *, with_unknown: bool = False) -> list[Layer]:
        """Return the visible layers for which the letters are not true.

        Parameters
        ----------
        with_unknown : bool
            Whether those without a position in the patient are among them.
        """
        viewer, shown = self._viewer_of(), self.shown()
        if viewer is None or shown is None:
            return []
        expected = self._edges_of(shown)
        return [
            layer
            for layer in viewer.layers
            if layer.visible
            and (with_unknown if self.of(layer) is None else self._edges_of(layer) != expected)
        ]

    def _edges_of(self, layer: Layer) -> Edges | None:
        viewer = self._viewer_of()
        if viewer is None or viewer.dims.ndisplay != 2:
            return None
        down, right = (self._direction(layer, axis) for axis in viewer.dims.displayed)
        vertical, horizontal = viewer.scene.camera.orientation2d
        down = -down if str(vertical) == "up" else down
        right = -right if str(horizontal) == "left" else right
        found = Edges(letters(-down), letters(down), letters(-right), letters(right))
        return found if all(found) else None

    def _direction(self, layer: Layer, axis: int) -> Float:
        """Return the direction in LPS in which a world axis grows, as the layer is drawn."""
        viewer, geometry = self._viewer_of(), self.of(layer)
        assert viewer is not None  # noqa: S101  (who asks holds it)
        assert geometry is not None  # noqa: S101
        step = np.zeros(viewer.dims.ndim)
        step[axis] = 1.0
        index = layer.world_to_data(step) - layer.world_to_data(np.zeros_like(step))
        return np.asarray(geometry.affine[:3, :3] @ np.asarray(index)[-3:])

    def of_slice(self, layer: Layer, axis: int) -> str:
        """Return where the slice along a viewer's axis lies: ``S 88.1 mm``, or ``oblique``.

        Empty where the layer has no position in the patient, or the axis is none of its grid.
        """
        viewer, geometry = self._viewer_of(), self.of(layer)
        own = -1 if viewer is None else axis - (viewer.dims.ndim - 3)
        if viewer is None or geometry is None or own < 0:
            return ""
        index = np.array(layer.world_to_data(viewer.dims.point), dtype=float)[-3:]
        index[own] = np.rint(index[own])
        steps = np.abs(np.delete(geometry.affine[:3, :3], own, axis=1))
        level = np.flatnonzero((steps < _LEVEL * steps.max()).all(axis=1))
        if len(level) != 1:
            return "oblique"
        return f"{along(int(level[0]), geometry.to_patient(index)[level[0]])} mm"

    def pointed(self) -> Pointed | None:
        """Return what lies under the cursor in the topmost visible image that it is over."""
        viewer = self._viewer_of()
        if viewer is None or viewer.dims.ndisplay != 2:
            return None
        # The cursor keeps the slice in which it was moved last.
        world = np.array(viewer.dims.point, dtype=float)
        displayed = list(viewer.dims.displayed)
        if len(viewer.cursor.position) != len(world):
            return None
        world[displayed] = np.asarray(viewer.cursor.position)[displayed]
        for layer in reversed(viewer.layers):
            if not isinstance(layer, Image) or not layer.visible:
                continue
            value = layer.get_value(world, world=True)
            if layer.multiscale and value is not None:
                value = value[1]
            if value is None:
                continue
            return Pointed(
                self._place(layer, world, displayed), _in_words(value, layer), layer.name
            )
        return None

    def _place(self, layer: Layer, world: Float, displayed: list[int]) -> str:
        geometry = self.of(layer)
        if geometry is None:
            return ""
        index = np.array(layer.world_to_data(world), dtype=float)
        # What is seen is a slice of voxels, even where the slider stands between two.
        for axis in range(layer.ndim):
            if axis + len(world) - layer.ndim not in displayed:
                index[axis] = np.rint(index[axis])
        return coordinates(geometry.to_patient(index[-3:]))


def _in_words(value: Any, layer: Layer) -> str:
    values = np.atleast_1d(np.asarray(value))
    unit = "" if layer.rgb else str(layer.metadata.get("value_unit", ""))
    if values.dtype.kind in "biu":
        said = ", ".join(str(int(each)) for each in values)
    elif values.dtype.kind == "f":
        said = ", ".join("no value" if np.isnan(each) else f"{each:.5g}" for each in values)
    else:
        said = ", ".join(f"{each:.5g}" for each in values)
    return f"{said} {unit}".strip()
