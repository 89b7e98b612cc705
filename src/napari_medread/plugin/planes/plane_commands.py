"""The plane commands in the menu Layers > Visualize."""

from __future__ import annotations

import napari

from napari_medread.plugin.gui.panel_base import open_panel
from napari_medread.plugin.planes.navigation.plane_switching import AS_ACQUIRED, show_plane
from napari_medread.plugin.planes.planes_panel import PlanesAndSlices


def show_axial(viewer: napari.Viewer) -> None:
    """Show the axial plane."""
    show_plane(viewer, "axial")


def show_coronal(viewer: napari.Viewer) -> None:
    """Show the coronal plane."""
    show_plane(viewer, "coronal")


def show_sagittal(viewer: napari.Viewer) -> None:
    """Show the sagittal plane."""
    show_plane(viewer, "sagittal")


def show_as_acquired(viewer: napari.Viewer) -> None:
    """Show the plane in which the active layer was acquired."""
    show_plane(viewer, AS_ACQUIRED)


def show_three_planes(viewer: napari.Viewer) -> None:
    """Show the panel "Planes and slices", and tick three planes at once in it."""
    open_panel(viewer, PlanesAndSlices).three_planes.value = True
