"""Writes NIfTI-1, ``.nii`` and ``.nii.gz``."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.atomic_files import Written, replacing
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume
from napari_medread.core.voxel_blocks import CHANNEL, channel_axis, read_blocks, stored_type
from napari_medread.errors import CannotWrite
from napari_medread.formats.nifti.nifti_header import (
    COLOURS,
    DATATYPES,
    LABEL,
    NIFTI1,
    OTHER_UNITS,
    VECTOR,
)
from napari_medread.formats.nifti.nifti_orientation import RAS_TO_LPS, SCANNER, Float, quaternion_of
from napari_medread.formats.shared.file_grid import FRAME, SLICE, FileGrid, file_grid
from napari_medread.formats.shared.stored_voxels import GZIP, write_stored

_LONGEST = 32767
"""The most voxels along a dimension: NIfTI-1 counts them in 16 bits."""

_ALIGNED = 2
"""Code of a place that is not the scanner's, for what two dimensions have of one."""

_MM, _SECONDS = 2, 8
"""Codes of units."""

_TO_SECONDS = {"s": 1.0, "ms": 1e-3, "pixel": 0.0}
"""Seconds of a unit of time; a step of 0 says that times are only counted."""

_CODES = {np.dtype(name): code for code, name in DATATYPES.items()}

_EXTENSION = bytes(4)
"""After the header: it has no extensions."""


class _Dimensions(NamedTuple):
    """A volume's axes as NIfTI's dimensions.

    Attributes
    ----------
    size : tuple of int
        Voxels along x, y, z, the fourth dimension and the fifth.
    thickness : float
        Spacing along z of an image without a place.
    fourth : Axis or None
        What the fourth dimension is.
    """

    size: tuple[int, int, int, int, int]
    thickness: float
    fourth: Axis | None


def write(
    path: Path,
    volume: Volume,
    *,
    compress: bool = False,
    keep_patient: bool = False,
    progress: Progress = no_progress,
) -> Written:
    """Write a NIfTI-1 file.

    Parameters
    ----------
    path : Path
        ``.nii``, or ``.nii.gz``, which is packed.
    volume : Volume
        Up to four dimensions, and channels or colour.
    compress, keep_patient : bool
        Not used: the suffix says whether to pack, and nothing of the source but voxels and
        their place is written.
    progress : Progress
        Reports progress, and stops.

    Returns
    -------
    Written
        The file.

    Raises
    ------
    CannotWrite
        Where it cannot be written; what was there before is still there.
    """
    del compress, keep_patient
    grid = file_grid(volume)
    dtype, notes = stored_type(volume)
    dimensions = _dimensions(volume, grid)
    header = _header(volume, grid, dtype, dimensions)
    pieces = read_blocks(_planar(volume), dtype, progress, interleaved=False)
    packed = path.name.lower().endswith(".gz")
    with replacing(path) as file:
        write_stored(file, chain([header.tobytes(), _EXTENSION], pieces), GZIP if packed else None)
    return Written((path,), (*notes, *grid.notes, *_lost(grid, dimensions)))


def _dimensions(volume: Volume, grid: FileGrid) -> _Dimensions:
    """Return which dimension holds which axis."""
    lengths, others = [*grid.size[grid.space :]], [*grid.others]
    depth, thickness = grid.size[2] if grid.space == 3 else 1, 1.0
    # A step of unknown size must not become one in mm, or the other way.
    unit = "pixel" if volume.geometry is None else "mm"
    if grid.space == 2 and others and (others[0].label, others[0].unit) == (SLICE, unit):
        depth, thickness = lengths.pop(0), others.pop(0).step
    if len(others) > 1:
        raise CannotWrite(
            f"{volume.name}: NIfTI holds one axis that is not of space, and this has "
            f"{len(others)} ({', '.join(a.label for a in others)}). Choose .nrrd or .mha."
        )
    fourth = others[0] if others else None
    x, y = grid.size[:2]
    size = (x, y, depth, lengths[0] if lengths else 1, _vector(volume, grid))
    if max(size) > _LONGEST:
        raise CannotWrite(
            f"{volume.name}: NIfTI-1 holds no more than {_LONGEST} voxels along an axis, and this "
            f"has {max(size)}. Choose .nrrd or .mha."
        )
    return _Dimensions(size, thickness, fourth)


def _is_rgb24(volume: Volume) -> bool:
    """Tell whether NIfTI has a type for the colour."""
    return volume.rgb and volume.data.dtype == np.uint8


def _vector(volume: Volume, grid: FileGrid) -> int:
    """Return how many numbers of a voxel lie along the fifth dimension."""
    return 1 if _is_rgb24(volume) else grid.channels


def _planar(volume: Volume) -> Volume:
    """Return the volume with the numbers of its voxels first, as the fifth dimension is."""
    if _is_rgb24(volume):
        return volume
    axis = volume.data.ndim - 1 if volume.rgb else channel_axis(volume)
    if axis is None or axis == 0:
        return volume
    order = [axis, *(n for n in range(volume.data.ndim) if n != axis)]
    leading = (Axis(CHANNEL), *(each for each in volume.leading if each.label != CHANNEL))
    return replace(volume, data=volume.data.transpose(order), leading=leading, rgb=False)


def _header(
    volume: Volume, grid: FileGrid, dtype: np.dtype[Any], dimensions: _Dimensions
) -> NDArray[Any]:
    """Return the header, one record of ``NIFTI1``."""
    header = np.zeros((), NIFTI1)
    header["sizeof_hdr"], header["regular"], header["magic"] = NIFTI1.itemsize, b"r", b"n+1"
    header["vox_offset"] = NIFTI1.itemsize + len(_EXTENSION)
    header["descrip"] = b"napari-medread"
    size = dimensions.size
    used = max([grid.space, *(n for n, length in enumerate(size, 1) if length > 1)])
    header["dim"] = [used, *size, 1, 1]
    header["scl_slope"] = 1
    if _is_rgb24(volume):
        header["datatype"] = next(c for c, n in COLOURS.items() if n == volume.data.shape[-1])
        header["bitpix"] = 8 * volume.data.shape[-1]
    else:
        header["datatype"] = _CODES[dtype.newbyteorder("=")]
        header["bitpix"] = 8 * dtype.itemsize
    if size[4] > 1:
        header["intent_code"] = VECTOR
    elif volume.labels:
        header["intent_code"] = LABEL
    if volume.contrast_limits is not None and not (volume.labels or volume.rgb):
        with np.errstate(over="ignore"):
            limits = np.array(volume.contrast_limits).astype(np.float32)
        if np.isfinite(limits).all():
            header["cal_min"], header["cal_max"] = limits
    _put_place(header, volume, grid, dimensions)
    return header


def _put_place(
    header: NDArray[Any], volume: Volume, grid: FileGrid, dimensions: _Dimensions
) -> None:
    """Fill in where the voxels lie, and the steps and units of all dimensions."""
    depth = grid.spacing[2] if grid.space == 3 else dimensions.thickness
    unit, step = _unit_and_step(dimensions.fourth)
    header["pixdim"] = [1, *grid.spacing[:2], depth, step, 1, 1, 1]
    known = volume.geometry is not None
    header["xyzt_units"] = (_MM if known else 0) | (unit if known or dimensions.fourth else 0)
    affine = np.eye(4)
    n = grid.space
    affine[:n, :n] = np.asarray(grid.direction)[:n, :n] * grid.spacing[:n]
    affine[:n, 3] = grid.origin[:n]
    if n == 2 and not (_needs_place(grid) and header["dim"][0] == 2):
        return
    ras = RAS_TO_LPS @ affine
    header["sform_code"] = header["qform_code"] = SCANNER if n == 3 else _ALIGNED
    header["srow_x"], header["srow_y"], header["srow_z"] = ras[:3]
    rotation, flip = _nearest_rotation(ras[:3, :3] / np.linalg.norm(ras[:3, :3], axis=0))
    header["pixdim"][0] = flip
    header["quatern_b"], header["quatern_c"], header["quatern_d"] = quaternion_of(rotation)
    header["qoffset_x"], header["qoffset_y"], header["qoffset_z"] = ras[:3, 3]


def _nearest_rotation(axes: Float) -> tuple[Float, float]:
    """Return the rotation nearest to the axes, and qfac: -1 where the third is turned round."""
    left, _, right = np.linalg.svd(axes)
    nearest = left @ right
    flip = -1.0 if np.linalg.det(nearest) < 0 else 1.0
    return nearest * [1.0, 1.0, flip], flip


def _needs_place(grid: FileGrid) -> bool:
    """Tell whether a grid has an origin or turned axes."""
    return any(grid.origin) or not np.array_equal(grid.direction, np.eye(len(grid.size)))


def _unit_and_step(axis: Axis | None) -> tuple[int, float]:
    """Return the code of the fourth dimension's unit, 0 where NIfTI has none, and its step."""
    if axis is None:
        return _SECONDS, 1.0  # what programs expect of a file without that dimension
    if axis.label == "time" and axis.unit in _TO_SECONDS:
        return _SECONDS, axis.step * _TO_SECONDS[axis.unit]
    named = (code for code, each in OTHER_UNITS.items() if each == (axis.label, axis.unit))
    return next(named, 0), axis.step


def _lost(grid: FileGrid, dimensions: _Dimensions) -> tuple[str, ...]:
    """Return what NIfTI does not hold of a volume."""
    notes = []
    fourth = dimensions.fourth
    if fourth is not None and fourth != Axis(FRAME) and not _unit_and_step(fourth)[0]:
        notes.append(
            f"NIfTI has no name for the axis {fourth.label}: it was written as the fourth "
            "dimension, without a unit."
        )
    if grid.space == 2 and max(dimensions.size[2:]) > 1 and _needs_place(grid):
        notes.append("The origin and directions of the image were not written.")
    return tuple(notes)
