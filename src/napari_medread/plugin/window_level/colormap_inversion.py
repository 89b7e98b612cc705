"""Inverting colormaps, and which end of a colormap is the dark one."""

from __future__ import annotations

import numpy as np
from napari.utils import Colormap
from napari.utils.colormaps import AVAILABLE_COLORMAPS

_INVERTED_SUFFIX = "_r"
"""Ends the names of inverted colormaps, as in ``gray_r``."""


def is_inverted_colormap(colormap: Colormap) -> bool:
    """Return whether a colormap is an inverted one, by its name."""
    return str(colormap.name).endswith(_INVERTED_SUFFIX)


def is_dark_at_high_values(colormap: Colormap) -> bool:
    """Return whether higher values are drawn darker."""
    first, last = (np.asarray(colormap.colors)[n, :3].sum() for n in (0, -1))
    return bool(last < first)


def invert_colormap(colormap: Colormap) -> Colormap:
    """Return a colormap with its colours in reverse order: ``gray`` and ``gray_r`` are a pair.

    Where napari has a colormap of that name with these colours, it is that one.
    """
    name = str(colormap.name)
    if name.endswith(_INVERTED_SUFFIX):
        name = name.removesuffix(_INVERTED_SUFFIX)
    else:
        name += _INVERTED_SUFFIX
    known = AVAILABLE_COLORMAPS.get(name)
    inverted = Colormap(
        colors=np.asarray(colormap.colors)[::-1],
        name=name,
        controls=1 - np.asarray(colormap.controls)[::-1],
        interpolation=colormap.interpolation,
        nan_color=colormap.nan_color,
        high_color=colormap.low_color,
        low_color=colormap.high_color,
    )
    return known if known is not None and _has_same_colours(known, inverted) else inverted


def _has_same_colours(one: Colormap, other: Colormap) -> bool:
    """Return whether two colormaps map values alike, up to rounding."""
    return one.interpolation == other.interpolation and all(
        np.shape(a) == np.shape(b) and np.allclose(a, b, atol=1e-6)
        for a, b in ((one.colors, other.colors), (one.controls, other.controls))
    )
