"""A volume as the layer data that napari adds to its viewer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Image, Layer

from napari_medread.core.affines import Float
from napari_medread.core.geometry import Geometry
from napari_medread.core.label_detection import LABELS_SUGGESTED
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.plugin.bridge.layer_metadata import with_record
from napari_medread.plugin.bridge.segment_features import make_label_colormap, make_label_features

SEGMENTATION_MODALITY = "SEG"
"""DICOM's Modality of segmentations, whose fractions are images."""

LayerData = tuple[Any, dict[str, Any], str]


def get_finest_data(layer: Layer) -> Any:
    """Return the data of a layer; of several resolutions, the finest."""
    return layer.data[0] if layer.multiscale else layer.data


def to_numpy_or_dask(data: Any) -> Any:
    """Return a layer's data as an array of numpy or dask; other lazy arrays lack methods."""
    if isinstance(data, np.ndarray):
        return data
    import dask.array as da  # slow to import, and needed for lazy arrays only

    return data if isinstance(data, da.Array) else da.from_array(data, asarray=True)  # type: ignore[no-untyped-call]


def to_layers(volumes: Sequence[Volume]) -> list[LayerData]:
    """Return the layer data of volumes opened together, of which only the largest is visible.

    It is a volume in patient space, not a picture beside it, and an image if there is one: labels
    alone show nothing of the patient. Where none of them is in patient space, all are visible.
    """
    if not any(v.patient_affine is not None for v in volumes):
        return [to_layer(v) for v in volumes]
    placed = [v for v in volumes if v.patient_affine is not None]
    largest = max(placed, key=lambda v: (shows_patient(v), math.prod(v.shape)))
    return [to_layer(v, visible=v is largest) for v in volumes]


def shows_patient(source: Volume | Layer) -> bool:
    """Return whether a volume or layer is an image of the patient, and not labels or a mask."""
    if isinstance(source, Volume):
        is_image, notes, modality = not source.labels, source.notes, source.modality
    else:
        is_image, notes = isinstance(source, Image), source.metadata.get("notes", ())
        modality = source.metadata.get("modality", "")
    return is_image and LABELS_SUGGESTED not in notes and modality != SEGMENTATION_MODALITY


def to_layer(volume: Volume, *, visible: bool = True) -> LayerData:
    """Return layer data, ``(data, attributes, type)``, for one volume.

    The layer is drawn on its acquisition grid: with scale, translate, and flips as an affine, never
    rotated or sheared. ``metadata["patient_affine"]`` is exact.
    """
    leading = volume.leading
    scale = [axis.step for axis in leading]
    translate = [0.0 for _ in leading]
    flips = [1 for _ in leading]
    if volume.geometry is None:
        grid = volume.ndim - len(leading)
        scale += [*[1.0] * (grid - 2), *volume.pixel_size]
        translate, flips = translate + [0.0] * grid, flips + [1] * grid
    else:
        placed = volume.geometry.world_transform()
        scale += placed.scale
        translate += placed.translate
        flips += placed.flips
    arguments: dict[str, Any] = {
        "name": volume.name,
        "scale": tuple(scale),
        "translate": tuple(translate),
        "units": volume.units,
        "axis_labels": volume.axis_labels,
        "visible": visible,
    }
    drawn = np.diag([*scale, 1.0])
    drawn[:-1, -1] = translate
    if -1 in flips:
        arguments["affine"] = np.diag([*map(float, flips), 1.0])
        drawn = arguments["affine"] @ drawn
    metadata = with_record(
        _plain_metadata(volume),
        drawn_affine=drawn,
        slice_sources=volume.slice_sources,
        series=volume.series,
    )
    if volume.geometry is not None and volume.patient_affine is not None:
        metadata = with_record(metadata, slice_axis=volume.geometry.slice_axis)
    arguments["metadata"] = metadata
    regions = to_whole_numbers(volume.data) if volume.labels else None
    # napari would guess: it takes a last axis of length 3 or 4 for colour, which a series of few
    # sagittal slices has.
    arguments["multiscale"] = False
    if regions is not None:
        if volume.segments:
            arguments["features"] = make_label_features(volume.segments)
            arguments["colormap"] = make_label_colormap(volume.segments)
        return regions, arguments, "labels"
    arguments["rgb"] = volume.rgb
    if not volume.rgb:
        arguments["colormap"] = choose_colormap(volume)
        arguments["contrast_limits"] = volume.contrast_limits
        # What "as opened" means, whatever the user chooses later.
        arguments["metadata"] = with_record(
            metadata,
            opened_contrast_limits=volume.contrast_limits,
            opened_colormap=arguments["colormap"],
            proposed_windows=volume.proposed_windows or None,
        )
    return volume.data, arguments, "image"


def place_grid(geometry: Geometry) -> tuple[dict[str, Any], Float]:
    """Return napari's arguments that draw a grid in patient space, and the matrix to its world.

    Returns
    -------
    arguments : dict
        ``scale``, ``translate`` and, where axes are flipped, ``affine``.
    drawn : (4, 4) array
        From index to napari's world in mm.
    """
    placed = geometry.world_transform()
    arguments: dict[str, Any] = {"scale": placed.scale, "translate": placed.translate}
    drawn = np.diag([*placed.scale, 1.0])
    drawn[:-1, -1] = placed.translate
    if -1 in placed.flips:
        arguments["affine"] = np.diag([*map(float, placed.flips), 1.0])
        drawn = arguments["affine"] @ drawn
    return arguments, drawn


def choose_colormap(volume: Volume) -> str:
    """Return the name of the colormap for a grey volume that is shown alone."""
    return "gray_r" if volume.is_drawn_inverted else "gray"


def to_whole_numbers(data: Any, progress: Progress = no_progress) -> Any | None:
    """Return the numbers of regions as integers, as napari needs them; None if some are not whole.

    They are often stored as floating point.
    """
    if data.dtype.kind in "iub":
        return data
    whole = np.empty(data.shape, np.int32)
    for at in progress([*np.ndindex(data.shape[:-2])], "Converting to whole numbers"):
        values = np.asarray(data[at])
        with np.errstate(invalid="ignore"):
            whole[at] = values
        if not np.array_equal(whole[at], values):
            return None
    return whole


def _plain_metadata(volume: Volume) -> dict[str, Any]:
    """Return the keys that other code may rely on; docs/layer-metadata.md describes them."""
    metadata: dict[str, Any] = {
        "source": [str(path) for path in volume.source],
        "notes": list(volume.notes),
        "modality": volume.modality,
        "value_unit": volume.value_unit,
        "windows": list(volume.windows),
        "axes": {axis.label: list(axis.values) for axis in volume.leading if axis.values},
        "axis_units": {
            axis.label: axis.unit_of_values
            for axis in volume.leading
            if axis.values and axis.unit_of_values
        },
        "header": dict(volume.header),
    }
    if volume.patient_affine is not None:
        metadata["patient_affine"] = volume.patient_affine
    return metadata
