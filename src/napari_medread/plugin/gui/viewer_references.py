"""Weak references to napari's viewers, which may be closed or stand behind a proxy."""

from __future__ import annotations

import weakref
from typing import Any


def unwrap_viewer(viewer: Any) -> Any:
    """Return the viewer behind napari's proxy, to which weak references would die at once."""
    return getattr(viewer, "__wrapped__", viewer)


def get_open_viewer(viewer_ref: weakref.ref[Any]) -> Any:
    """Return a viewer, or None where it was closed or no longer exists."""
    viewer = viewer_ref()
    # A closed viewer still takes layers, and then fails to draw them.
    return viewer if viewer in getattr(type(viewer), "_instances", (viewer,)) else None
