"""The crop of layers while its controls are dragged, as one step that can be undone."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.layers import Layer

from napari_medread.core.affines import Float
from napari_medread.plugin.rendering.clipping_box import clip_to_box
from napari_medread.plugin.rendering.paced_updates import PacedUpdates
from napari_medread.plugin.rendering.rendering_session import RenderingSession
from napari_medread.plugin.rendering.volume_nodes import CoarseDrawing


class CropDrag:
    """Crops layers to the latest of many boxes, at the pace at which the window draws them.

    Parameters
    ----------
    viewer_ref : weak reference to Viewer
    session : RenderingSession
        Records the steps.
    is_held : callable
        Returns whether the user holds a handle of the box.
    """

    def __init__(
        self, viewer_ref: weakref.ref[Any], session: RenderingSession, is_held: Callable[[], bool]
    ) -> None:
        self._viewer_ref, self._session = viewer_ref, session
        self._coarse = CoarseDrawing()
        self._pacing = PacedUpdates(self._apply, self._coarse.end, is_held)
        self._layer_refs: list[weakref.ref[Layer]] = []
        self._box: Float = np.empty((3, 2))

    def crop(self, layers: Sequence[Layer], box: Float) -> None:
        """Crop layers to a box, (3, 2) in napari's world, unless another box comes before."""
        self._layer_refs, self._box = [weakref.ref(layer) for layer in layers], box
        self._pacing.request()

    def finish(self) -> None:
        """Crop to the latest box, and draw as finely as before."""
        self._pacing.finish()

    def is_awaited_by(self, layer: Layer | None) -> bool:
        """Return whether a layer is still to be cropped to the latest box."""
        return self._pacing.is_pending and any(ref() is layer for ref in self._layer_refs)

    def _apply(self, is_coarse: bool) -> None:
        viewer = self._viewer_ref()
        if viewer is None:
            return
        found = [ref() for ref in self._layer_refs]
        layers = [layer for layer in found if layer is not None and layer in viewer.layers]
        if is_coarse:
            self._coarse.begin(viewer, layers)
        if layers:
            with self._session.step(layers, merge_key=("crop", *map(id, layers))):
                for layer in layers:
                    clip_to_box(layer, self._box)
