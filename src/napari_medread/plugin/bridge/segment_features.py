"""What label numbers stand for, as the features and colours of napari's layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap, label_colormap

from napari_medread.core.segments import Segment

RGBA = tuple[float, float, float, float]

Features = dict[str, list[Any]]
"""A table by columns, of which napari makes a DataFrame."""

BACKGROUND = "background"
"""The name of what is not labelled."""

OTHER_COLOR: RGBA = (1.0, 1.0, 1.0, 1.0)
"""Colour of numbers that no segment has, as those that are painted later."""


def make_label_features(segments: Sequence[Segment]) -> Features:
    """Return the features of a labels layer: one row for the background, one for each segment.

    napari finds the row of a number by the column ``index``.
    """
    background = Segment(0, 0, BACKGROUND)
    values = [0, *(segment.value for segment in segments)]
    return {"index": values, **make_segment_rows([background, *segments])}


def make_segment_rows(segments: Sequence[Segment]) -> Features:
    """Return the table of number, name and properties of segments, a row for each."""
    keys = list(dict.fromkeys(key for segment in segments for key in segment.properties))
    columns: Features = {
        "number": [segment.number for segment in segments],
        "name": [segment.name for segment in segments],
    }
    for key in keys:
        columns[key] = [segment.properties.get(key, "") for segment in segments]
    return columns


def make_label_colormap(segments: Sequence[Segment]) -> DirectLabelColormap:
    """Return the colours of segments; numbers of none are white, and 0 is transparent."""
    colors: dict[int | None, RGBA] = {None: OTHER_COLOR, 0: (0.0, 0.0, 0.0, 0.0)}
    colors |= {segment.value: pick_segment_color(segment) for segment in segments}
    return DirectLabelColormap(color_dict=colors)


def pick_segment_color(segment: Segment) -> RGBA:
    """Return the colour of a segment; without one, that which napari gives its number."""
    if segment.color is not None:
        return (*segment.color, 1.0)
    red, green, blue, _ = np.asarray(label_colormap().map(segment.value)).ravel()
    return float(red), float(green), float(blue), 1.0
