"""A layer as the volume that it shows, at the position where it is drawn now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Layer

from napari_medread.core.affines import Float
from napari_medread.core.geometry import PATIENT_LABELS, Geometry
from napari_medread.core.slice_sources import SliceSources
from napari_medread.core.volume import INVERTED_MODALITIES, Volume
from napari_medread.errors import CannotWrite
from napari_medread.plugin.bridge.layer_metadata import get_record
from napari_medread.plugin.bridge.layer_position import (
    WORLD_TO_PATIENT,
    find_patient_affine,
    find_world_to_patient,
)
from napari_medread.plugin.bridge.layer_transforms import compute_index_to_world
from napari_medread.plugin.bridge.spatial_axes import LayerGrid, is_same_matrix, make_layer_grid
from napari_medread.plugin.bridge.volume_to_layer import LayerData

UNIT_ASSUMED_MM = "The layer has no unit: its scale was assumed to be in millimetres."

_FINEST_LEVEL = "Only the finest of its resolutions was used."


class LayerVolume(NamedTuple):
    """A layer as a volume.

    Attributes
    ----------
    volume : Volume
        With the notes in the layer's metadata.
    remarks : tuple of str
        What was assumed about its position, as sentences.
    index_to_world : (n + 1, n + 1) array
        From the n indices of the layer to napari's world, as it is drawn.
    has_patient_position : bool
        Whether its position in patient space is known, and not only its spacing.
    """

    volume: Volume
    remarks: tuple[str, ...]
    index_to_world: Float
    has_patient_position: bool


def volume_from_layer(layer: Layer, viewer: Any = None) -> LayerVolume:
    """Return a layer of a viewer as a volume; see ``volume_from_layer_data``."""
    others = [] if viewer is None else [other for other in viewer.layers if other is not layer]
    # Only a layer that carries no position asks for them.
    return volume_from_layer_data(
        layer.as_layer_data_tuple(), (other.as_layer_data_tuple() for other in others)
    )


def volume_from_layer_data(layer: LayerData, others: Iterable[LayerData] = ()) -> LayerVolume:
    """Return the volume that a layer shows.

    Its geometry is ``metadata["patient_affine"]`` as long as the layer is drawn where it was
    when it was opened. If it was moved, cropped or scaled since, its geometry follows, straight
    or oblique. A layer that carries no position, as new labels do, takes that of the image on
    whose grid it lies, or of the images in the same viewer. Where there are none, the axes SI, AP
    and RL are assumed to be the patient's; other axes have no position, and numpy's last axis is x.

    Parameters
    ----------
    layer : tuple
        ``(data, attributes, type)``, as napari gives it.
    others : iterable of tuple
        The other layers of its viewer.

    Raises
    ------
    CannotWrite
        Where it holds no voxels, or its position is ambiguous.
    NotAVolume
        Where its axes do not span a volume.
    """
    data, attributes, kind = layer
    name = str(attributes.get("name", kind))
    if kind not in ("image", "labels"):
        raise CannotWrite(
            f"{name}: a {kind} layer has no voxels. Image and labels layers can be written."
        )
    remarks: list[str] = []
    if attributes.get("multiscale"):
        data = data[0]
        remarks.append(_FINEST_LEVEL)
    rgb = bool(attributes.get("rgb"))
    grid = make_layer_grid(name, tuple(data.shape[: data.ndim - rgb]), attributes)
    geometry, has_patient_position, assumptions = _find_geometry(grid, others)
    remarks += assumptions
    metadata = grid.metadata
    limits = attributes.get("contrast_limits")
    scale = np.diag(grid.index_to_world)[:-1]
    modality = str(metadata.get("modality", ""))
    volume = Volume(
        data,
        name,
        geometry,
        grid.leading,
        (float(scale[-2]), float(scale[-1])) if geometry is None else (1.0, 1.0),
        rgb=rgb,
        labels=kind == "labels",
        contrast_limits=None if rgb or limits is None else (float(limits[0]), float(limits[1])),
        # PET is only drawn inverted; its files are MONOCHROME2 (PS3.3 C.8.9.4).
        inverted=_get_colormap_name(attributes) == "gray_r" and modality not in INVERTED_MODALITIES,
        source=tuple(Path(path) for path in metadata.get("source", ())),
        notes=tuple(metadata.get("notes", ())),
        modality=modality,
        value_unit=str(metadata.get("value_unit", "")),
        windows=tuple(metadata.get("windows", ())),
        proposed_windows=get_record(metadata).proposed_windows or (),
        header=dict(metadata.get("header", {})),
        slice_sources=_get_slice_sources(metadata, geometry),
        series=get_record(metadata).series,
    )
    index_to_world = compute_index_to_world(len(volume.shape), attributes)
    return LayerVolume(volume, tuple(remarks), index_to_world, has_patient_position)


def _find_geometry(
    grid: LayerGrid, others: Iterable[LayerData]
) -> tuple[Geometry | None, bool, tuple[str, ...]]:
    """Return a geometry, whether its position in patient space is known, and what was assumed."""
    remarks: tuple[str, ...] = ()
    affine = None
    if grid.ndim == 3:
        affine, remarks = find_patient_affine(grid)
        if affine is None and not remarks:
            world_to_patient, remarks = find_world_to_patient(grid, others)
            affine = None if world_to_patient is None else world_to_patient @ grid.index_to_world
        if affine is None and grid.labels == PATIENT_LABELS:
            affine = WORLD_TO_PATIENT @ grid.index_to_world
            remarks = () if grid.has_unit else (UNIT_ASSUMED_MM,)
    if affine is not None:
        slice_axis = get_record(grid.metadata).slice_axis or 0
        return Geometry(grid.shape, affine, slice_axis), True, remarks
    if not grid.has_unit:
        if grid.ndim == 2 and _is_unmoved_plane(grid):
            return None, False, remarks
        remarks = (*remarks, UNIT_ASSUMED_MM)
    # numpy's last axis is x.
    reversed_axes = grid.index_to_world[[*range(grid.ndim)[::-1], grid.ndim]]
    return Geometry(grid.shape, reversed_axes), False, remarks


def _get_slice_sources(
    metadata: Mapping[str, Any], geometry: Geometry | None
) -> SliceSources | None:
    """Return the images that a layer was read from, moved as the layer was moved."""
    sources = get_record(metadata).slice_sources
    if sources is None:
        return None
    return sources.follow_motion(metadata.get("patient_affine"), geometry)


def _is_unmoved_plane(grid: LayerGrid) -> bool:
    """Return whether a plane is drawn as it was opened, or as an array without a scale."""
    opened = get_record(grid.metadata).drawn_affine
    expected = np.eye(3) if opened is None else opened[np.ix_([-3, -2, -1], [-3, -2, -1])]
    return is_same_matrix(expected, grid.index_to_world)


def _get_colormap_name(attributes: Mapping[str, Any]) -> str:
    colormap = attributes.get("colormap")
    return str(colormap.get("name", "")) if isinstance(colormap, Mapping) else str(colormap or "")
