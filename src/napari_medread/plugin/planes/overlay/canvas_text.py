"""Text on a viewer's canvas, at fixed positions."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Mapping
from typing import Any

from napari.components.overlays import TextOverlay
from psygnal import EmitLoopError

from napari_medread.plugin.gui.viewer_references import get_open_viewer


class CanvasText:
    """Texts drawn over a viewer's canvas until closed.

    Parameters
    ----------
    viewer : ViewerModel
        It is not kept alive.
    positions : mapping of str to str
        The name of each text in ``viewer.canvas.overlays``, and napari's name of its position.
    font_size : int
        In points.
    """

    def __init__(self, viewer: Any, positions: Mapping[str, str], font_size: int) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._overlays = {
            name: TextOverlay(position=position, font_size=font_size)
            for name, position in positions.items()
        }
        for name, overlay in self._overlays.items():
            viewer.canvas.overlays[name] = overlay

    def write(self, name: str, text: str, font_size: int | None = None) -> None:
        """Show a text, or hide it if it is empty: an empty overlay would show its box."""
        overlay = self._overlays[name]
        if text and font_size is not None and overlay.font_size != font_size:
            overlay.font_size = font_size
        if text and overlay.text != text:
            overlay.text = text
        if overlay.visible != bool(text):
            overlay.visible = bool(text)

    def close(self) -> None:
        """Remove all texts from the canvas; a closed viewer has none any more."""
        viewer = get_open_viewer(self._viewer_ref)
        if viewer is None:
            return
        for name, overlay in self._overlays.items():
            # Qt may have deleted the canvas of a plane with the window: nothing is left on it.
            with contextlib.suppress(EmitLoopError):
                overlay.visible = False
                if viewer.canvas.overlays.get(name) is overlay:
                    del viewer.canvas.overlays[name]
