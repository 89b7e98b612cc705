"""The orientation letters at the edges of a canvas: S, I, A, P, L, R."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from napari.layers import Layer

from napari_medread.core.affines import Float
from napari_medread.core.anatomical_directions import format_direction
from napari_medread.plugin.planes.overlay.canvas_text import CanvasText
from napari_medread.plugin.planes.overlay.layer_geometries import LayerGeometries

_POSITIONS = {
    "patient_top": "top_center",
    "patient_bottom": "bottom_center",
    "patient_left": "middle_left",
    "patient_right": "middle_right",
}
"""The name of each overlay, and where on the canvas it is drawn."""

LETTER_FONT_SIZE = 14


class EdgeLetters(NamedTuple):
    """The letters at the edges of a canvas."""

    top: str
    bottom: str
    left: str
    right: str


class OrientationLetters:
    """Draws letters at the edges of a viewer's canvas until closed."""

    def __init__(self, viewer: Any) -> None:
        self._text = CanvasText(viewer, _POSITIONS, LETTER_FONT_SIZE)

    def show(self, letters: EdgeLetters | None) -> None:
        """Draw letters at the edges; None hides them."""
        for name, letter in zip(_POSITIONS, letters or ("",) * len(_POSITIONS), strict=True):
            self._text.write(name, letter)

    def close(self) -> None:
        """Remove the letters from the canvas."""
        self._text.close()


def find_edge_letters(geometries: LayerGeometries) -> EdgeLetters | None:
    """Return the letters at the edges of the canvas, of the layer that the overlay describes.

    None in 3D, where no visible layer has a position, and in napari's grid where other layers
    have other letters or none.
    """
    viewer, layer = geometries.get_viewer(), geometries.find_described_layer()
    if viewer is None or layer is None:
        return None
    if viewer.canvas.grid.enabled and find_layers_with_other_letters(
        geometries, include_unknown=True
    ):
        return None
    return _find_layer_letters(geometries, viewer, layer)


def find_layers_with_other_letters(
    geometries: LayerGeometries, *, include_unknown: bool = False
) -> list[Layer]:
    """Return the visible layers for which the letters on the canvas are wrong.

    Parameters
    ----------
    geometries : LayerGeometries
    include_unknown : bool
        Whether to include layers without a position in patient space.
    """
    viewer, described = geometries.get_viewer(), geometries.find_described_layer()
    if viewer is None or described is None:
        return []
    letters = _find_layer_letters(geometries, viewer, described)
    differing = []
    for layer in viewer.layers:
        if not layer.visible:
            continue
        if geometries.get_geometry(layer) is None:
            is_different = include_unknown
        else:
            is_different = _find_layer_letters(geometries, viewer, layer) != letters
        if is_different:
            differing.append(layer)
    return differing


def _find_layer_letters(
    geometries: LayerGeometries, viewer: Any, layer: Layer
) -> EdgeLetters | None:
    if viewer.dims.ndisplay != 2:
        return None
    down, right = (
        _find_direction(geometries, viewer, layer, axis) for axis in viewer.dims.displayed
    )
    vertical, horizontal = viewer.scene.camera.orientation2d
    down = -down if str(vertical) == "up" else down
    right = -right if str(horizontal) == "left" else right
    letters = EdgeLetters(*(format_direction(each) for each in (-down, down, -right, right)))
    return letters if all(letters) else None


def _find_direction(geometries: LayerGeometries, viewer: Any, layer: Layer, axis: int) -> Float:
    """Return the direction in LPS along which a world axis grows in a layer as drawn, (3,)."""
    geometry = geometries.get_geometry(layer)
    assert geometry is not None  # noqa: S101  (callers have checked it)
    step = np.zeros(viewer.dims.ndim)
    step[axis] = 1.0
    index_step = layer.world_to_data(step) - layer.world_to_data(np.zeros_like(step))
    return np.asarray(geometry.affine[:3, :3] @ np.asarray(index_step)[-3:])
