"""Contours and points of structure sets as the layer data that napari adds to its viewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.contours import ContourSet
from napari_medread.core.geometry import PATIENT_LABELS, WORLD_AXES, Geometry
from napari_medread.plugin.bridge.layer_metadata import with_record
from napari_medread.plugin.bridge.segment_features import make_segment_rows, pick_segment_color
from napari_medread.plugin.bridge.volume_to_layer import LayerData, place_grid

LINE_WIDTH_MM = 1.0
"""Width of contours."""

POINT_SIZE_MM = 5.0
"""Diameter of points."""

MAX_FLATNESS_MM = 0.01
"""Contours whose points are no farther apart along an axis than this lie in a plane across it."""


def contours_to_layer(contours: ContourSet, *, visible: bool = True) -> LayerData:
    """Return layer data, ``(data, attributes, type)``, for contours: shapes, or points.

    Their coordinates are indices into the grid of the image that they were drawn on, and the layer
    is drawn as that image is. Without an image they are drawn in patient space, each plane of
    contours on a slice of its own.

    Parameters
    ----------
    contours : ContourSet
    visible : bool
        Whether the layer is shown at once.
    """
    geometry = contours.geometry or make_contour_grid(contours.contours)
    transform, drawn = place_grid(geometry)
    metadata: dict[str, Any] = {
        "source": [str(path) for path in contours.source],
        "notes": list(contours.notes),
        "modality": "RTSTRUCT",
        "value_unit": "",
        "windows": [],
        "axes": {},
        "axis_units": {},
        "header": {},
        "patient_affine": np.array(geometry.affine),
    }
    attributes: dict[str, Any] = {
        "name": contours.name,
        **transform,
        "units": ("mm",) * 3,
        "axis_labels": PATIENT_LABELS,
        "visible": visible,
        "metadata": with_record(
            metadata, drawn_affine=drawn, series=contours.series, slice_axis=geometry.slice_axis
        ),
    }
    indices = [geometry.to_index(points) for points in contours.contours]
    # Widths are in units of the data, which differ along the axes.
    pixel_mm = float(np.sort(geometry.spacing)[0])
    if contours.kind == "points":
        counts = [len(each) for each in indices]
        segments = np.repeat(np.arange(len(counts)), counts)
        colors = np.array([pick_segment_color(each) for each in contours.structures])
        attributes |= {
            "face_color": colors[segments],
            "features": make_segment_rows([contours.structures[n] for n in segments]),
            "size": POINT_SIZE_MM / pixel_mm,
        }
        return np.concatenate(indices), attributes, "points"
    if contours.kind == "closed":
        # Paths, since napari fills polygons in many times the time, also when they are transparent.
        indices = [np.concatenate([each, each[:1]]) for each in indices]
    attributes |= {
        "shape_type": "path",
        "edge_color": np.array([pick_segment_color(each) for each in contours.structures]),
        "face_color": "transparent",
        "edge_width": LINE_WIDTH_MM / pixel_mm,
        "features": make_segment_rows(contours.structures),
    }
    return indices, attributes, "shapes"


def make_contour_grid(contours: Sequence[NDArray[np.float64]]) -> Geometry:
    """Return a grid along the patient's axes whose slices are the planes of contours.

    napari shows a shape on the slice next to it. So the grid has steps of 1 mm, but between the
    planes that most contours lie in: there the step is the distance of planes.
    """
    world = [points @ WORLD_AXES for points in contours]
    spacing, low = np.ones(3), np.concatenate(world).min(axis=0)
    for axis in range(3):
        if all(np.ptp(points[:, axis]) <= MAX_FLATNESS_MM for points in world):
            heights = np.unique(np.round([points[0, axis] for points in world], 2))
            gaps = np.diff(heights)
            if gaps.size:
                spacing[axis] = max(float(np.median(gaps)), MAX_FLATNESS_MM)
            break
    size = np.concatenate(world).max(axis=0) - low
    affine = np.eye(4)
    affine[:3, :3] = WORLD_AXES * spacing
    affine[:3, 3] = WORLD_AXES @ low
    return Geometry([int(n) + 1 for n in np.ceil(size / spacing)], affine)
