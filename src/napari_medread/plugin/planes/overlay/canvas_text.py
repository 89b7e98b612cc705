"""Text on the canvas: the letters at its edges, and which slice is shown."""

from __future__ import annotations

import weakref
from typing import Any

from napari.components.overlays import TextOverlay

from napari_medread.plugin.planes.overlay.layer_geometries import Edges

_POSITIONS = {
    "top": "top_center",
    "bottom": "bottom_center",
    "left": "middle_left",
    "right": "middle_right",
}
_LETTER_SIZE, _TEXT_SIZE = 14, 10


class CanvasText:
    """Draws letters and a few words over a viewer's picture, and takes them away again."""

    def __init__(self, viewer: Any) -> None:
        self._viewer_of = weakref.ref(viewer)
        self._letters = {
            edge: TextOverlay(position=position, font_size=_LETTER_SIZE)
            for edge, position in _POSITIONS.items()
        }
        self._words = TextOverlay(position="bottom_left", font_size=_TEXT_SIZE)
        for name, overlay in self._named().items():
            viewer.canvas.overlays[name] = overlay

    def _named(self) -> dict[str, TextOverlay]:
        letters = {f"patient_{edge}": each for edge, each in self._letters.items()}
        return letters | {"slice_shown": self._words}

    def show(self, edges: Edges | None) -> None:
        """Show letters at the edges, or none."""
        for edge, overlay in self._letters.items():
            _write(overlay, "" if edges is None else getattr(edges, edge))

    def say(self, words: str) -> None:
        """Show words in the lower left corner, or none."""
        _write(self._words, words)

    def close(self) -> None:
        """Take all text away."""
        viewer = self._viewer_of()
        if viewer is None:
            return
        for name, overlay in self._named().items():
            overlay.visible = False
            if viewer.canvas.overlays.get(name) is overlay:
                del viewer.canvas.overlays[name]


def _write(overlay: TextOverlay, text: str) -> None:
    # What is empty is hidden: its box would be seen.
    if text and overlay.text != text:
        overlay.text = text
    if overlay.visible != bool(text):
        overlay.visible = bool(text)
