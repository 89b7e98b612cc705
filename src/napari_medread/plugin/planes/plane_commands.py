"""The patient's planes as a reading room shows them: one command each."""

from __future__ import annotations

from typing import Any

import napari
from napari.layers import Layer
from napari.utils.notifications import show_info

from napari_medread.core.anatomy import plane_along, plane_order
from napari_medread.plugin.bridge.layer_record import get_record

ACQUIRED = "as acquired"

KEYS = {"axial": "F6", "coronal": "F7", "sagittal": "F8", ACQUIRED: "F9"}
"""Keys that napari leaves free."""

NO_VOLUME = "Planes need a layer of three dimensions or more."

READING_ROOM = ("towards", "down", "right")
"""How the axes lie on the screen where nothing is mirrored."""


def show_plane(viewer: Any, plane: str) -> None:
    """Show a plane: head or front up, the patient's left on the right, fitted to the window.

    The point that the sliders show stays. A 3D view becomes a plane again.

    Parameters
    ----------
    viewer : Viewer
    plane : str
        ``axial``, ``coronal``, ``sagittal``, or ``as acquired``: that of the active layer's
        slices.
    """
    layer = viewer.layers.selection.active
    if plane == ACQUIRED:
        found = acquired_plane(layer)
        if found is None:
            show_info("Select a layer that tells how it was acquired first.")
            return
        plane = found
    if viewer.dims.ndim < 3:
        show_info(NO_VOLUME)
        return
    point = viewer.dims.point
    viewer.dims.ndisplay = 2
    viewer.dims.order = plane_order(plane, viewer.dims.ndim)
    viewer.dims.point = point  # leaving 3D, napari moves to the middle of what was seen
    viewer.scene.camera.orientation = READING_ROOM
    viewer.reset_view()


def acquired_plane(layer: Layer | None) -> str | None:
    """Return the plane of a layer's slices, None if it does not tell."""
    axis = None if layer is None else get_record(layer).slice_axis
    return None if axis is None else plane_along(axis)


def axial(viewer: napari.Viewer) -> None:
    """Show the axial plane."""
    show_plane(viewer, "axial")


def coronal(viewer: napari.Viewer) -> None:
    """Show the coronal plane."""
    show_plane(viewer, "coronal")


def sagittal(viewer: napari.Viewer) -> None:
    """Show the sagittal plane."""
    show_plane(viewer, "sagittal")


def as_acquired(viewer: napari.Viewer) -> None:
    """Show the plane in which the active layer was acquired."""
    show_plane(viewer, ACQUIRED)


def three_planes(viewer: napari.Viewer) -> None:
    """Open the panel for planes, and let it show three at once."""
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Planes and slices")
    panel.three_planes.value = True
