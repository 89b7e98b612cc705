"""Switching a viewer to one of the patient's planes, and which plane it shows."""

from __future__ import annotations

from typing import Any

from napari.layers import Image, Layer
from napari.utils.notifications import show_info

from napari_medread.core.anatomical_directions import find_plane_along_axis, order_axes_for_plane
from napari_medread.plugin.bridge.camera_fit import fit_to_visible_layers
from napari_medread.plugin.bridge.layer_metadata import get_record
from napari_medread.plugin.planes.navigation.canvas_fit import hold_fit
from napari_medread.plugin.rendering.camera_views import PATIENT_ORIENTATION

AS_ACQUIRED = "as acquired"

PLANE_KEYS = {"axial": "F6", "coronal": "F7", "sagittal": "F8", AS_ACQUIRED: "F9"}
"""The key that shows each plane; napari does not use these keys."""

_NO_VOLUME = "Open a layer of three dimensions or more first."

_NO_ACQUIRED_PLANE = "Select a layer first whose file gives its plane of acquisition."


def show_plane(viewer: Any, plane: str) -> None:
    """Show a plane with the head or front up and the patient's left on the right, all of it.

    Leaves 3D. The point of the sliders stays.

    Parameters
    ----------
    viewer : Viewer
    plane : str
        ``axial``, ``coronal``, ``sagittal``, or ``as acquired``: that of the active layer's
        slices.
    """
    if plane == AS_ACQUIRED:
        acquired_plane = find_acquired_plane(viewer)
        if acquired_plane is None:
            show_info(_NO_ACQUIRED_PLANE)
            return
        plane = acquired_plane
    if viewer.dims.ndim < 3:
        show_info(_NO_VOLUME)
        return
    point, is_leaving_3d = viewer.dims.point, viewer.dims.ndisplay == 3
    viewer.dims.ndisplay = 2
    viewer.dims.order = order_axes_for_plane(plane, viewer.dims.ndim)
    viewer.dims.point = point  # napari moves to the middle when it leaves 3D
    viewer.scene.camera.orientation = PATIENT_ORIENTATION
    fit_to_visible_layers(viewer)
    if is_leaving_3d:
        hold_fit(viewer)


def find_acquired_plane(viewer: Any) -> str | None:
    """Return the plane of the active layer's slices as acquired; None if it is not known.

    For layers that are drawn over images, such as new labels, it is that of the topmost visible
    image.
    """
    active: Layer | None = viewer.layers.selection.active
    if active is None:
        return None
    axis = get_record(active).slice_axis
    if axis is None and not isinstance(active, Image):
        images = (each for each in reversed(viewer.layers) if isinstance(each, Image))
        axes = (get_record(image).slice_axis for image in images if image.visible)
        axis = next((each for each in axes if each is not None), None)
    return None if axis is None else find_plane_along_axis(axis)


def find_displayed_plane(viewer: Any) -> str | None:
    """Return the plane of the patient that a viewer shows; None in 3D and for other axes."""
    dims = viewer.dims
    if dims.ndisplay != 2 or dims.ndim < 3:
        return None
    first = dims.ndim - 3
    sliced = {first, first + 1, first + 2}.difference(dims.displayed)
    return find_plane_along_axis(sliced.pop() - first) if len(sliced) == 1 else None
