"""A layer as the volume that it shows, at the place where it is drawn now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Layer

from napari_medread.core.affines import Float, invert_affine, relative_affine
from napari_medread.core.geometry import PATIENT_LABELS, WORLD_AXES, Geometry
from napari_medread.core.slice_sources import SliceSources
from napari_medread.core.volume import Volume
from napari_medread.errors import CannotWrite
from napari_medread.plugin.bridge.layer_record import get_record
from napari_medread.plugin.bridge.layer_transforms import compute_index_to_world
from napari_medread.plugin.bridge.spatial_axes import (
    MATRIX_TOLERANCE_MM,
    LayerGrid,
    make_layer_grid,
)
from napari_medread.plugin.bridge.volume_to_layer import LayerData

WORLD_TO_PATIENT = np.eye(4)
WORLD_TO_PATIENT[:3, :3] = WORLD_AXES
"""From napari's world axes (SI, AP, RL) to LPS."""

UNIT_ASSUMED_MM = "The layer has no unit: its scale was taken for millimetres."

POSITION_FROM_IMAGES = (
    "Its place in the patient was taken from the images beside which it is drawn."
)


class LayerVolume(NamedTuple):
    """A layer as a volume.

    Attributes
    ----------
    volume : Volume
        With the notes that the layer carries.
    remarks : tuple of str
        What was taken for granted about its place.
    drawn : array
        (n + 1, n + 1) matrix from the n indices of the layer to napari's world.
    in_patient : bool
        Whether its place in the patient is known, and not only its spacing.
    """

    volume: Volume
    remarks: tuple[str, ...]
    drawn: Float
    in_patient: bool


def volume_from_layer(layer: Layer, viewer: Any = None) -> LayerVolume:
    """Return a layer of a viewer as a volume; see ``volume_from_layer_data``."""
    others = [] if viewer is None else [each for each in viewer.layers if each is not layer]
    # Only a layer without a place of its own asks for them.
    return volume_from_layer_data(
        layer.as_layer_data_tuple(), (each.as_layer_data_tuple() for each in others)
    )


def volume_from_layer_data(layer: LayerData, others: Iterable[LayerData] = ()) -> LayerVolume:
    """Return the volume that a layer shows.

    Its geometry is ``metadata["patient_affine"]`` as long as the layer is drawn where it was
    when it was opened. If it was moved, cut or scaled since, it is moved in the patient
    likewise, straight or oblique. A layer that brings no position, as new labels do, has
    that of the image on whose grid it lies, or of the images in whose world it is drawn.
    Where there is none either, the axes SI, AP and RL are the patient's; any others are
    plain: numpy's last axis is x.

    Parameters
    ----------
    layer : tuple
        ``(data, attributes, type)``, as napari gives it.
    others : iterable of tuple
        The other layers of its viewer.

    Raises
    ------
    CannotWrite
        Where it holds no voxels, or its place cannot be told.
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
        remarks.append("Only the finest of its resolutions was taken.")
    rgb = bool(attributes.get("rgb"))
    grid = make_layer_grid(name, tuple(data.shape[: data.ndim - rgb]), attributes)
    geometry, in_patient, more = _geometry_of(grid, others)
    remarks += more
    metadata = grid.metadata
    limits = attributes.get("contrast_limits")
    scale = np.diag(grid.drawn)[:-1]
    volume = Volume(
        data,
        name,
        geometry,
        grid.leading,
        (float(scale[-2]), float(scale[-1])) if geometry is None else (1.0, 1.0),
        rgb=rgb,
        labels=kind == "labels",
        contrast_limits=None if rgb or limits is None else (float(limits[0]), float(limits[1])),
        inverted=_colormap_name(attributes) == "gray_r",
        source=tuple(Path(p) for p in metadata.get("source", ())),
        notes=tuple(metadata.get("notes", ())),
        modality=str(metadata.get("modality", "")),
        value_unit=str(metadata.get("value_unit", "")),
        windows=tuple(metadata.get("windows", ())),
        header=dict(metadata.get("header", {})),
        slice_sources=_frames_of(metadata, geometry),
    )
    return LayerVolume(
        volume, tuple(remarks), compute_index_to_world(len(volume.shape), attributes), in_patient
    )


def _geometry_of(
    grid: LayerGrid, others: Iterable[LayerData]
) -> tuple[Geometry | None, bool, tuple[str, ...]]:
    """Return where a grid lies, whether in the patient, and what was taken for granted."""
    remarks: tuple[str, ...] = ()
    found = None
    if grid.ndim == 3:
        found, remarks = _in_patient(grid)
        if found is None and not remarks:
            to_patient, remarks = find_world_to_patient(grid, others)
            found = None if to_patient is None else to_patient @ grid.drawn
        if found is None and grid.labels == PATIENT_LABELS:
            found = WORLD_TO_PATIENT @ grid.drawn
            remarks = () if grid.has_unit else (UNIT_ASSUMED_MM,)
    if found is not None:
        slice_axis = get_record(grid.metadata).slice_axis or 0
        return Geometry(grid.shape, found, slice_axis), True, remarks
    if not grid.has_unit:
        if grid.ndim == 2 and _is_unmoved(grid):
            return None, False, remarks
        remarks = (*remarks, UNIT_ASSUMED_MM)
    # numpy's last axis is x.
    plain = grid.drawn[[*range(grid.ndim)[::-1], grid.ndim]]
    return Geometry(grid.shape, plain), False, remarks


def _frames_of(metadata: Mapping[str, Any], geometry: Geometry | None) -> SliceSources | None:
    """Return which images a layer was read from, moved as it was moved."""
    frames = get_record(metadata).slice_sources
    return (
        None if frames is None else frames.follow_motion(metadata.get("patient_affine"), geometry)
    )


def _in_patient(grid: LayerGrid) -> tuple[Float | None, tuple[str, ...]]:
    """Return the matrix to LPS of a layer that carries one, moved as the layer was moved."""
    opened = get_opened_matrices(grid.metadata, grid.shape)
    if opened is None:
        return None, ()
    affine, drawn, ndim = opened
    if np.allclose(grid.drawn, drawn, rtol=0, atol=MATRIX_TOLERANCE_MM):
        return affine, ()
    # Where napari itself takes an axis out, it drops the labels too.
    if grid.labels != PATIENT_LABELS and 3 + len(grid.leading) != ndim:
        return None, ("An axis was taken out of the layer: its place in the patient is lost.",)
    return affine @ invert_affine(drawn) @ grid.drawn, ()


def find_world_to_patient(
    grid: LayerGrid, others: Iterable[LayerData]
) -> tuple[Float | None, tuple[str, ...]]:
    """Return where in the patient napari's world is for a layer that brings no position.

    That is told by the image on whose grid it lies, else by all that are drawn beside it.

    Returns
    -------
    matrix : array or None
        From the world, in mm, to LPS, (4, 4); None where nothing tells.
    remarks : tuple of str
        What was taken for granted.

    Raises
    ------
    CannotWrite
        Where images disagree.
    """
    to_patient: list[Float] = []
    on_grid: list[bool] = []
    for data, attributes, kind in others:
        if kind not in ("image", "labels") or attributes.get("multiscale"):
            continue
        shape = tuple(data.shape[: data.ndim - bool(attributes.get("rgb"))])
        if len(shape) < 3:
            continue
        try:
            other = make_layer_grid(str(attributes.get("name", "")), shape, attributes)
            place = None if other.ndim != 3 else _in_patient(other)[0]
        except CannotWrite:
            continue
        if place is None:
            continue
        to_patient.append(place @ invert_affine(other.drawn))
        if grid.is_same(other):
            return to_patient[-1], (f"Its place in the patient is that of {other.name}.",)
        index = relative_affine(other.drawn, grid.drawn)
        on_grid.append(
            bool(np.allclose(np.abs(index[:3, :3]), np.eye(3), rtol=0, atol=MATRIX_TOLERANCE_MM))
            and bool(np.allclose(index[:3, 3], np.rint(index[:3, 3]), rtol=0, atol=1e-3))
        )
    named = grid.labels == PATIENT_LABELS
    # An array without units that fits none of them has only been added beside them.
    if not to_patient or not (named or grid.has_unit or any(on_grid)):
        return None, ()
    if any(on_grid):
        to_patient = [one for one, on in zip(to_patient, on_grid, strict=True) if on]
    first = to_patient[0]
    if not all(np.allclose(first, one, rtol=0, atol=MATRIX_TOLERANCE_MM) for one in to_patient):
        raise CannotWrite(
            f"{grid.name}: images of different orientations are open, and it cannot be told "
            "in which of them it was drawn. Remove the others, then save it again."
        )
    return first, () if named else (POSITION_FROM_IMAGES,)


def get_opened_matrices(
    metadata: Mapping[str, Any], shape: tuple[int, ...]
) -> tuple[Float, Float, int | None] | None:
    """Return what a layer says of its place: matrices to LPS and to the world, and its axes."""
    affine = np.asarray(metadata.get("patient_affine", ()), dtype=float)
    if affine.shape != (4, 4):
        return None
    record = get_record(metadata)
    matrix = record.drawn_affine
    if matrix is not None and len(matrix) >= 4:
        return affine, _last_three(matrix), len(matrix) - 1
    placed = Geometry(shape, affine, record.slice_axis or 0).world_transform()
    drawn = np.diag([*placed.scale, 1.0])
    drawn[:3, 3] = placed.translate
    return affine, np.diag([*placed.flips, 1.0]) @ drawn, None


def _is_unmoved(grid: LayerGrid) -> bool:
    """Tell whether a plane is drawn as an array without scale, or as it was opened."""
    opened = get_record(grid.metadata).drawn_affine
    if opened is not None:
        kept = [-3, -2, -1]
        return bool(
            np.allclose(opened[np.ix_(kept, kept)], grid.drawn, rtol=0, atol=MATRIX_TOLERANCE_MM)
        )
    return bool(np.allclose(grid.drawn, np.eye(3), rtol=0, atol=MATRIX_TOLERANCE_MM))


def _last_three(matrix: Float) -> Float:
    kept = [-4, -3, -2, -1]
    return matrix[np.ix_(kept, kept)]


def _colormap_name(attributes: Mapping[str, Any]) -> str:
    colormap = attributes.get("colormap")
    return str(colormap.get("name", "")) if isinstance(colormap, Mapping) else str(colormap or "")
