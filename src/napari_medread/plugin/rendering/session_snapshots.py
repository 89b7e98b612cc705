"""What a rendering session records before a step, so that the step can be undone."""

from __future__ import annotations

import weakref
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Layer

from napari_medread.plugin.bridge.oblique_drawings import find_straight_drawing
from napari_medread.plugin.rendering.preset_appearance import LayerAppearance, read_appearance

_CAMERA_PROPERTIES = ("orientation", "perspective", "zoom", "center", "angles")

_PLACEMENT_PROPERTIES = ("name", "scale", "translate", "rotate", "shear", "units")
"""Besides affine and data, what a user who wants to keep a copy may change in it."""


class LayerSnapshot(NamedTuple):
    """A layer before a step.

    Attributes
    ----------
    layer_ref : weak reference to Layer
    appearance : dict
        As it was displayed.
    slice_appearance, volume_appearance : dict or None
        As the session had recorded it for 2D and for 3D.
    visible : bool
    clipping_planes : list of dict
    """

    layer_ref: weakref.ref[Layer]
    appearance: LayerAppearance
    slice_appearance: LayerAppearance | None
    volume_appearance: LayerAppearance | None
    visible: bool
    clipping_planes: list[dict[str, Any]]


class AddedLayer(NamedTuple):
    """A layer that a step has added, as it was then."""

    layer_ref: weakref.ref[Layer]
    data_ref: weakref.ref[Any]
    placement: tuple[Any, ...]


class SessionSnapshot(NamedTuple):
    """A viewer before a step.

    Attributes
    ----------
    merge_key : hashable or None
        Successive steps with the same key are undone as one.
    ndisplay, order, point
        Of ``viewer.dims``.
    slice_order : tuple of int or None
        The order of the axes that 2D goes back to.
    camera : dict
    layers : list of LayerSnapshot
        The layers that the step may change.
    added : AddedLayer or None
    """

    merge_key: Hashable
    ndisplay: int
    order: tuple[int, ...]
    point: tuple[float, ...]
    slice_order: tuple[int, ...] | None
    camera: dict[str, Any]
    layers: list[LayerSnapshot]
    added: AddedLayer | None

    def has_layers_in(self, viewer: Any) -> bool:
        """Return whether any layer of the step is still in the viewer."""
        return any(snapshot.layer_ref() in viewer.layers for snapshot in self.layers)


def take_layer_snapshot(
    layer: Layer,
    slice_appearance: LayerAppearance | None,
    volume_appearance: LayerAppearance | None,
) -> LayerSnapshot:
    """Record a layer before a step."""
    return LayerSnapshot(
        weakref.ref(layer),
        read_appearance(layer),
        slice_appearance,
        volume_appearance,
        layer.visible,
        [plane.model_dump() for plane in layer.experimental_clipping_planes],
    )


def read_camera(viewer: Any) -> dict[str, Any]:
    """Return the properties of a viewer's camera that a step may change."""
    return {name: getattr(viewer.scene.camera, name) for name in _CAMERA_PROPERTIES}


def record_added_layer(layer: Layer) -> AddedLayer:
    """Record a layer that was just added."""
    return AddedLayer(weakref.ref(layer), weakref.ref(layer.data), _read_placement(layer))


def is_unchanged(added: AddedLayer) -> bool:
    """Return whether a layer still has the data, name and placement it was added with."""
    layer = added.layer_ref()
    return (
        layer is not None
        and layer.data is added.data_ref()
        and _read_placement(layer) == added.placement
    )


def _read_placement(layer: Layer) -> tuple[Any, ...]:
    placement = [getattr(layer, name) for name in _PLACEMENT_PROPERTIES]
    straight = find_straight_drawing(layer)  # an oblique layer may be in patient space by now
    placement.append(np.array(layer.affine.affine_matrix if straight is None else straight[0]))
    return tuple(value.tolist() if isinstance(value, np.ndarray) else value for value in placement)
