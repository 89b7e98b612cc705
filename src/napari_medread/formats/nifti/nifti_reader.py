"""NIfTI, ``.nii`` and ``.nii.gz``: read here, with SimpleITK and nibabel as judges in the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.geometry import Geometry
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import NO_PIXEL_SIZE, Axis, Volume
from napari_medread.core.voxel_blocks import CHANNEL
from napari_medread.formats.nifti.nifti_header import (
    LABEL,
    OTHER_UNITS,
    VECTORS,
    Header,
    read_header,
)
from napari_medread.formats.nifti.nifti_orientation import has_unit, millimetres, place_of
from napari_medread.formats.shared.file_grid import FRAME, SLICE
from napari_medread.formats.shared.stored_voxels import Stored, read_stored, reversed_size
from napari_medread.formats.shared.volume_assembly import geometry_of, is_colour, volume_of

NO_PLACE = (
    "The file gives no patient position (neither qform nor sform): left and right are not known."
)

_TIMES = {8: 1.0, 16: 1e-3, 24: 1e-6}
"""Codes of units of time to seconds."""

_TIME_CODES = 0x38
"""The bits of xyzt_units that say the unit of the fourth dimension."""


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read a NIfTI file, of version 1 or 2.

    Parameters
    ----------
    path : Path
        The file; whether it is packed is seen from its content.
    progress : Progress
        Reports progress on a file that is packed.

    Returns
    -------
    list of Volume
        One. Without qform and sform it has no patient position, and its slices are a
        leading axis. The fourth dimension is a leading axis, ``time`` where its unit is
        one of time; so is the fifth, ``channel``. RGB and RGBA are colour, and vectors of
        three or four unsigned numbers of 8 or 16 bits too.

    Raises
    ------
    UnreadableFile
        Where the header is wrong, or the data are broken or too short.
    """
    header = read_header(path)
    shape = (*reversed_size(header.size), *((header.colours,) if header.colours else ()))
    stored = Stored(
        path, int(header["vox_offset"]), shape, header.dtype, 0 if header.packed else None
    )
    data = _scaled(header, read_stored(stored, path.name, progress))
    rgb = bool(header.colours)
    if int(header["intent_code"]) in VECTORS and is_colour(data.dtype, header.size[4]):
        data, rgb = np.moveaxis(data, 0, -1)[np.newaxis], True
    geometry, notes = _geometry(header)
    fourth, more = _fourth(header)
    leading = [Axis(CHANNEL), fourth]
    if geometry is None or geometry.ndim == 2:
        leading.append(_slices(header, geometry))
    return [
        volume_of(
            path,
            data,
            geometry,
            leading,
            rgb=rgb,
            labels=int(header["intent_code"]) == LABEL and not rgb,
            window=header.window,
            notes=(*notes, *more),
            header=header.texts,
        )
    ]


def _scaled(header: Header, data: NDArray[Any]) -> NDArray[Any]:
    """Apply scl_slope and scl_inter, into the type that SimpleITK gives."""
    if header.scaling is None:
        return data
    slope, inter = header.scaling
    scaled = np.empty(data.shape, np.float64 if data.dtype == np.float64 else np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for at in np.ndindex(*data.shape[:3]):  # a plane at a time in double precision
            scaled[at] = data[at].astype(np.float64) * slope + inter
    return scaled


def _geometry(header: Header) -> tuple[Geometry | None, list[str]]:
    """Return where the voxels lie: in the patient, in a plane of known spacing, or not at all."""
    x, y, z = header.size[:3]
    flat = header["dim"][0] == 2
    affine, told = place_of(header)
    notes = list(told)
    if affine is not None and not flat:
        return geometry_of(header.path, (z, y, x), affine[:, [2, 1, 0, 3]]), notes
    if affine is None and z > 1:
        notes.append(NO_PLACE)
    if affine is None and not has_unit(header):
        if header.pixdim == (1.0, 1.0, 1.0):
            return None, [*notes, NO_PIXEL_SIZE]
        notes.append("The file names no unit of length: millimetres are assumed.")
    plane = np.diag([*(n * millimetres(header) for n in header.pixdim[:2]), 1.0])
    if affine is not None:
        if np.allclose(affine[2, :2], 0, atol=1e-3 * min(np.diag(plane))):
            plane = affine[np.ix_([0, 1, 3], [0, 1, 3])]
        else:
            notes.append("The image has two dimensions: its place in the patient was not used.")
    return geometry_of(header.path, (y, x), plane[:, [1, 0, 2]]), notes


def _slices(header: Header, geometry: Geometry | None) -> Axis:
    """Return what the third dimension is where it is none of the patient's."""
    if geometry is None:
        return Axis(SLICE)
    return Axis(SLICE, "mm", header.pixdim[2] * millimetres(header))


def _fourth(header: Header) -> tuple[Axis, list[str]]:
    """Return what the fourth dimension is, by its unit, and what is doubtful about it."""
    if header.size[3] == 1:
        return Axis(FRAME), []
    code, step = int(header["xyzt_units"]) & _TIME_CODES, abs(float(header["pixdim"][4]))
    counted = not np.isfinite(step) or step == 0
    if code in _TIMES:
        if counted:
            return Axis("time"), ["The file gives no time step: times are counted."]
        return Axis("time", "s", step * _TIMES[code]), []
    if code in OTHER_UNITS and not counted:
        label, unit = OTHER_UNITS[code]
        return Axis(label, unit, step), []
    return Axis(FRAME), ["The file does not say what its fourth dimension is."]
