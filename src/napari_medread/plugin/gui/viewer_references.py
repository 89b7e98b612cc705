"""napari's viewers, which are held weakly here: closed, gone, or behind a proxy."""

from __future__ import annotations

import weakref
from typing import Any


def unwrapped(viewer: Any) -> Any:
    """Return the viewer itself: napari may hand out a proxy, of which no weak reference lasts."""
    return getattr(viewer, "__wrapped__", viewer)


def open_viewer(viewer_of: weakref.ref[Any]) -> Any:
    """Return a viewer unless it was closed or is gone."""
    viewer = viewer_of()
    # Closed viewers still take layers, and then fail to draw them.
    return viewer if viewer in getattr(type(viewer), "_instances", (viewer,)) else None
