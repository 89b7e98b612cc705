"""Two layers side by side in napari's grid, and the way back."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from napari.layers import Layer

_PAIR_GRID = True, 1, (1, 2)
"""The grid of two layers: that it is shown, layers to a place, rows and columns."""


class SideBySideView:
    """Two layers of a viewer alone, side by side.

    Parameters
    ----------
    viewer : ViewerModel
        It is not kept alive, and neither are its layers.
    pair : sequence of Layer
    """

    def __init__(self, viewer: Any, pair: Sequence[Layer | None]) -> None:
        self._grid = _get_grid(viewer)
        self._visible: list[tuple[weakref.ref[Layer], bool, bool]] = []
        for layer in viewer.layers:
            self._visible.append((weakref.ref(layer), layer.visible, layer in pair))
            layer.visible = layer in pair
        _set_grid(viewer, _PAIR_GRID)
        viewer.reset_view()

    def restore(self, viewer: Any) -> None:
        """Show what was shown before, but for what a person has changed since."""
        for layer_of, before, then in self._visible:
            layer = layer_of()
            if layer is not None and layer in viewer.layers and layer.visible == then:
                layer.visible = before
        if _get_grid(viewer) == _PAIR_GRID:
            _set_grid(viewer, self._grid)
            viewer.reset_view()


def get_grid_events(viewer: Any) -> list[Any]:
    """Return what tells that layers are arranged otherwise in a viewer's grid."""
    events = viewer.canvas.grid.events
    return [events.enabled, events.stride, events.shape]


def _get_grid(viewer: Any) -> tuple[bool, int, tuple[int, int]]:
    grid = viewer.canvas.grid
    return grid.enabled, grid.stride, tuple(grid.shape)


def _set_grid(viewer: Any, wanted: tuple[bool, int, tuple[int, int]]) -> None:
    grid = viewer.canvas.grid
    grid.enabled, grid.stride, grid.shape = wanted
