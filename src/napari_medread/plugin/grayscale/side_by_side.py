"""Two layers side by side in napari's grid, and how to restore the previous view."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from napari.layers import Layer

_PAIR_GRID = True, 1, (1, 2)
"""napari's grid of two layers: enabled, stride, and shape in rows and columns."""


class SideBySideView:
    """Shows two layers of a viewer side by side, and hides all others.

    Parameters
    ----------
    viewer : ViewerModel
        Neither it nor its layers are kept alive.
    pair : sequence of Layer
        The two layers.
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
        """Restore grid and visibility, except where the user has changed them since."""
        for layer_ref, was_visible, is_in_pair in self._visible:
            layer = layer_ref()
            if layer is not None and layer in viewer.layers and layer.visible == is_in_pair:
                layer.visible = was_visible
        if _get_grid(viewer) == _PAIR_GRID:
            _set_grid(viewer, self._grid)
            viewer.reset_view()


def get_grid_events(viewer: Any) -> list[Any]:
    """Return the events that napari emits when a viewer's grid is changed."""
    events = viewer.canvas.grid.events
    return [events.enabled, events.stride, events.shape]


def _get_grid(viewer: Any) -> tuple[bool, int, tuple[int, int]]:
    grid = viewer.canvas.grid
    return grid.enabled, grid.stride, tuple(grid.shape)


def _set_grid(viewer: Any, wanted: tuple[bool, int, tuple[int, int]]) -> None:
    grid = viewer.canvas.grid
    grid.enabled, grid.stride, grid.shape = wanted
