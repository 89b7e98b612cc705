"""The colours of shapes that are about to be drawn: seen on grey images, and nothing hidden."""

from __future__ import annotations

import numpy as np
from napari.layers import Shapes
from napari.utils.color import ColorValue

SHAPE_EDGE_COLOUR = "#ffd600"
"""Yellow, which no grey image holds."""

_NAPARI_EDGE, _NAPARI_FACE = ColorValue("#777777"), ColorValue("white")
"""With what napari draws unless the user chooses another colour: grey on grey."""


def choose_visible_colours(shapes: Shapes) -> None:
    """Let the next shapes of an empty layer be yellow outlines.

    A layer with shapes, or whose colours the user has chosen, stays as it is.
    """
    edge, face = ColorValue(shapes.current_edge_color), ColorValue(shapes.current_face_color)
    is_untouched = np.allclose(edge, _NAPARI_EDGE) and np.allclose(face, _NAPARI_FACE)
    if shapes.nshapes == 0 and is_untouched:
        shapes.current_edge_color = SHAPE_EDGE_COLOUR
        shapes.current_face_color = "transparent"
