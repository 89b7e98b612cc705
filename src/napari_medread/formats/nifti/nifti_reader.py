"""Reads NIfTI-1 and NIfTI-2, ``.nii`` and ``.nii.gz``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.geometry import Geometry
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import NO_PIXEL_SIZE, Axis, Volume, is_colour
from napari_medread.core.voxel_blocks import CHANNEL_LABEL
from napari_medread.formats.nifti.nifti_header import (
    LABEL_INTENT,
    SPECTRAL_UNITS,
    VECTOR_INTENTS,
    NiftiHeader,
    read_nifti_header,
)
from napari_medread.formats.nifti.nifti_orientation import (
    find_nifti_position,
    has_spatial_unit,
    mm_per_unit,
)
from napari_medread.formats.shared.file_grid import FRAME_LABEL, SLICE_LABEL
from napari_medread.formats.shared.stored_voxels import (
    StoredVoxels,
    read_stored_voxels,
    shape_from_size,
)
from napari_medread.formats.shared.volume_assembly import assemble_volume, make_geometry

NO_POSITION = (
    "The file gives no patient position (neither qform nor sform): left and right are not known."
)

_SECONDS_PER_UNIT_CODE = {8: 1.0, 16: 1e-3, 24: 1e-6}
"""Code of a unit of time to its length in seconds."""

_TIME_UNIT_MASK = 0x38
"""The bits of xyzt_units that hold the unit of the fourth dimension."""


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read a NIfTI-1 or NIfTI-2 file.

    Parameters
    ----------
    path : Path
        The file. Compression is detected from its content.
    progress : Progress
        Reports progress on a compressed file, and cancels.

    Returns
    -------
    list of Volume
        One volume. Without qform and sform it has no patient position, and its slices are a
        leading axis. The fourth dimension is a leading axis, ``time`` if it has a unit of time;
        the fifth is a leading axis ``channel``. RGB, RGBA, and vectors of three or four unsigned
        numbers of 8 or 16 bits are colour.

    Raises
    ------
    UnreadableFile
        If the header is invalid, or the data are corrupt or too short.
    """
    header = read_nifti_header(path)
    shape = (*shape_from_size(header.size), *((header.colours,) if header.colours else ()))
    stored = StoredVoxels(
        path, int(header["vox_offset"]), shape, header.dtype, 0 if header.is_compressed else None
    )
    data = _apply_scaling(header, read_stored_voxels(stored, path.name, progress))
    rgb = bool(header.colours)
    if int(header["intent_code"]) in VECTOR_INTENTS and is_colour(data.dtype, header.size[4]):
        data, rgb = np.moveaxis(data, 0, -1)[np.newaxis], True
    geometry, notes = _find_geometry(header)
    fourth, fourth_notes = _make_fourth_axis(header)
    leading = [Axis(CHANNEL_LABEL), fourth]
    if geometry is None or geometry.ndim == 2:
        leading.append(_make_slice_axis(header, geometry))
    return [
        assemble_volume(
            path,
            data,
            geometry,
            leading,
            rgb=rgb,
            labels=int(header["intent_code"]) == LABEL_INTENT and not rgb,
            window=header.window,
            notes=(*notes, *fourth_notes),
            header=header.as_text,
        )
    ]


def _apply_scaling(header: NiftiHeader, data: NDArray[Any]) -> NDArray[Any]:
    """Apply scl_slope and scl_inter, and return the type that SimpleITK returns."""
    if header.scaling is None:
        return data
    slope, inter = header.scaling
    scaled = np.empty(data.shape, np.float64 if data.dtype == np.float64 else np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for index in np.ndindex(*data.shape[:3]):  # one plane at a time in double precision
            scaled[index] = data[index].astype(np.float64) * slope + inter
    return scaled


def _find_geometry(header: NiftiHeader) -> tuple[Geometry | None, list[str]]:
    """Return the geometry and notes: in patient space, a plane with a spacing, or None."""
    x, y, z = header.size[:3]
    is_2d = header["dim"][0] == 2
    position = find_nifti_position(header)
    affine, notes = position.affine, list(position.notes)
    if affine is not None and not is_2d:
        return make_geometry(header.path, (z, y, x), affine[:, [2, 1, 0, 3]]), notes
    if affine is None and z > 1:
        notes.append(NO_POSITION)
    if affine is None and not has_spatial_unit(header):
        if header.pixdim == (1.0, 1.0, 1.0):
            return None, [*notes, NO_PIXEL_SIZE]
        notes.append("The file gives no unit of length: millimetres are assumed.")
    plane = np.diag([*(n * mm_per_unit(header) for n in header.pixdim[:2]), 1.0])
    if affine is not None:
        if np.allclose(affine[2, :2], 0, atol=1e-3 * min(np.diag(plane))):
            plane = affine[np.ix_([0, 1, 3], [0, 1, 3])]
        else:
            notes.append("The image is two-dimensional: its patient position was not used.")
    return make_geometry(header.path, (y, x), plane[:, [1, 0, 2]]), notes


def _make_slice_axis(header: NiftiHeader, geometry: Geometry | None) -> Axis:
    """Return the axis of the third dimension of an image without a patient position."""
    if geometry is None:
        return Axis(SLICE_LABEL)
    return Axis(SLICE_LABEL, "mm", header.pixdim[2] * mm_per_unit(header))


def _make_fourth_axis(header: NiftiHeader) -> tuple[Axis, list[str]]:
    """Return the axis of the fourth dimension, by its unit, and notes about it."""
    if header.size[3] == 1:
        return Axis(FRAME_LABEL), []
    code, step = int(header["xyzt_units"]) & _TIME_UNIT_MASK, abs(float(header["pixdim"][4]))
    has_no_step = not np.isfinite(step) or step == 0
    if code in _SECONDS_PER_UNIT_CODE:
        if has_no_step:
            return Axis("time"), ["The file gives no time step: time points are only numbered."]
        return Axis("time", "s", step * _SECONDS_PER_UNIT_CODE[code]), []
    if code in SPECTRAL_UNITS and not has_no_step:
        label, unit = SPECTRAL_UNITS[code]
        return Axis(label, unit, step), []
    return Axis(FRAME_LABEL), ["The file does not say what its fourth dimension means."]
