"""Writes NIfTI-1, ``.nii`` and ``.nii.gz``."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.atomic_files import WrittenFiles, open_atomic_file
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume
from napari_medread.core.voxel_blocks import (
    CHANNEL_LABEL,
    find_channel_axis,
    find_stored_type,
    read_blocks,
)
from napari_medread.errors import CannotWrite
from napari_medread.formats.nifti.nifti_header import (
    COLOUR_DATATYPES,
    DATATYPES,
    LABEL_INTENT,
    NIFTI1,
    SPECTRAL_UNITS,
    VECTOR_INTENT,
)
from napari_medread.formats.nifti.nifti_orientation import (
    RAS_TO_LPS,
    SCANNER_CODE,
    FloatArray,
    quaternion_from_rotation,
)
from napari_medread.formats.shared.file_grid import FRAME_LABEL, SLICE_LABEL, FileGrid, to_file_grid
from napari_medread.formats.shared.stored_voxels import GZIP_WBITS, write_stored_voxels

_MAX_AXIS_LENGTH = 32767
"""Largest number of voxels along a dimension: NIfTI-1 stores it in 16 bits."""

_ALIGNED_CODE = 2
"""``sform_code`` of a space that is not the scanner's, for two-dimensional images."""

_MM_CODE, _SECONDS_CODE = 2, 8
"""Codes of the units in xyzt_units."""

_SECONDS_PER_UNIT = {"s": 1.0, "ms": 1e-3, "pixel": 0.0}
"""Unit of time to its length in seconds; 0 for time points that are only numbered."""

_DATATYPE_CODES = {np.dtype(name): code for code, name in DATATYPES.items()}

_EXTENSION = bytes(4)
"""The four bytes after the header which say that there are no extensions."""


class _Dimensions(NamedTuple):
    """The axes of a volume as the dimensions of NIfTI.

    Attributes
    ----------
    size : tuple of int
        Number of voxels along x, y, z, the fourth and the fifth dimension.
    slice_step : float
        Spacing along z of an image without a patient position.
    fourth : Axis or None
        The axis of the fourth dimension.
    """

    size: tuple[int, int, int, int, int]
    slice_step: float
    fourth: Axis | None


def write(
    path: Path,
    volume: Volume,
    *,
    compress: bool = False,
    keep_patient: bool = False,
    progress: Progress = no_progress,
) -> WrittenFiles:
    """Write a NIfTI-1 file.

    Parameters
    ----------
    path : Path
        ``.nii``, or ``.nii.gz``, which is compressed.
    volume : Volume
        Up to four dimensions, and channels or colour.
    compress, keep_patient : bool
        Not used: the suffix decides on compression, and no keys of the source are written.
    progress : Progress
        Reports progress, and cancels.

    Returns
    -------
    Written
        The file.

    Raises
    ------
    CannotWrite
        If the volume cannot be written. An existing file is then unchanged.
    """
    del compress, keep_patient
    grid = to_file_grid(volume)
    dtype, notes = find_stored_type(volume)
    dimensions = _find_dimensions(volume, grid)
    header = _make_header(volume, grid, dtype, dimensions)
    pieces = read_blocks(_move_components_first(volume), dtype, progress, interleaved=False)
    is_compressed = path.name.lower().endswith(".gz")
    with open_atomic_file(path) as file:
        write_stored_voxels(
            file,
            chain([header.tobytes(), _EXTENSION], pieces),
            GZIP_WBITS if is_compressed else None,
        )
    return WrittenFiles((path,), (*notes, *grid.notes, *_describe_losses(grid, dimensions)))


def _find_dimensions(volume: Volume, grid: FileGrid) -> _Dimensions:
    """Assign the axes of a volume to the dimensions of NIfTI."""
    lengths, others = [*grid.size[grid.spatial_ndim :]], [*grid.others]
    depth, slice_step = grid.size[2] if grid.spatial_ndim == 3 else 1, 1.0
    # A step of unknown length must not become one in mm, nor the other way round.
    unit = "pixel" if volume.geometry is None else "mm"
    if (
        grid.spatial_ndim == 2
        and others
        and (others[0].label, others[0].unit) == (SLICE_LABEL, unit)
    ):
        depth, slice_step = lengths.pop(0), others.pop(0).step
    if len(others) > 1:
        raise CannotWrite(
            f"{volume.name}: NIfTI can hold one axis that is not spatial, but this volume has "
            f"{len(others)} ({', '.join(axis.label for axis in others)}). Save it as .nrrd or .mha."
        )
    fourth = others[0] if others else None
    x, y = grid.size[:2]
    size = (x, y, depth, lengths[0] if lengths else 1, _count_components(volume, grid))
    if max(size) > _MAX_AXIS_LENGTH:
        raise CannotWrite(
            f"{volume.name}: NIfTI-1 can hold {_MAX_AXIS_LENGTH} voxels along an axis, but this "
            f"volume has {max(size)}. Save it as .nrrd or .mha."
        )
    return _Dimensions(size, slice_step, fourth)


def _is_rgb24(volume: Volume) -> bool:
    """Return whether NIfTI has a type for the colours: RGB24 or RGBA32."""
    return volume.rgb and volume.data.dtype == np.uint8


def _count_components(volume: Volume, grid: FileGrid) -> int:
    """Return the number of values of a voxel that are stored along the fifth dimension."""
    return 1 if _is_rgb24(volume) else grid.channels


def _move_components_first(volume: Volume) -> Volume:
    """Return the volume with its channels or colours first, as in the fifth dimension."""
    if _is_rgb24(volume):
        return volume
    axis = volume.data.ndim - 1 if volume.rgb else find_channel_axis(volume)
    if axis is None or axis == 0:
        return volume
    order = [axis, *(n for n in range(volume.data.ndim) if n != axis)]
    leading = (
        Axis(CHANNEL_LABEL),
        *(each for each in volume.leading if each.label != CHANNEL_LABEL),
    )
    return replace(volume, data=volume.data.transpose(order), leading=leading, rgb=False)


def _make_header(
    volume: Volume, grid: FileGrid, dtype: np.dtype[Any], dimensions: _Dimensions
) -> NDArray[Any]:
    """Return the header, one record of ``NIFTI1``."""
    header = np.zeros((), NIFTI1)
    header["sizeof_hdr"], header["regular"], header["magic"] = NIFTI1.itemsize, b"r", b"n+1"
    header["vox_offset"] = NIFTI1.itemsize + len(_EXTENSION)
    header["descrip"] = b"napari-medread"
    size = dimensions.size
    ndim = max([grid.spatial_ndim, *(n for n, length in enumerate(size, 1) if length > 1)])
    header["dim"] = [ndim, *size, 1, 1]
    header["scl_slope"] = 1
    if _is_rgb24(volume):
        header["datatype"] = next(
            c for c, n in COLOUR_DATATYPES.items() if n == volume.data.shape[-1]
        )
        header["bitpix"] = 8 * volume.data.shape[-1]
    else:
        header["datatype"] = _DATATYPE_CODES[dtype.newbyteorder("=")]
        header["bitpix"] = 8 * dtype.itemsize
    if size[4] > 1:
        header["intent_code"] = VECTOR_INTENT
    elif volume.labels:
        header["intent_code"] = LABEL_INTENT
    if volume.contrast_limits is not None and not (volume.labels or volume.rgb):
        with np.errstate(over="ignore"):
            limits = np.array(volume.contrast_limits).astype(np.float32)
        if np.isfinite(limits).all():
            header["cal_min"], header["cal_max"] = limits
    _fill_position(header, volume, grid, dimensions)
    return header


def _fill_position(
    header: NDArray[Any], volume: Volume, grid: FileGrid, dimensions: _Dimensions
) -> None:
    """Fill in the patient position, and the steps and units of all dimensions."""
    depth = grid.spacing[2] if grid.spatial_ndim == 3 else dimensions.slice_step
    unit, step = _find_unit_and_step(dimensions.fourth)
    header["pixdim"] = [1, *grid.spacing[:2], depth, step, 1, 1, 1]
    has_spacing = volume.geometry is not None
    header["xyzt_units"] = (_MM_CODE if has_spacing else 0) | (
        unit if has_spacing or dimensions.fourth else 0
    )
    affine = np.eye(4)
    n = grid.spatial_ndim
    affine[:n, :n] = np.asarray(grid.direction)[:n, :n] * grid.spacing[:n]
    affine[:n, 3] = grid.origin[:n]
    if n == 2 and not (_has_position(grid) and header["dim"][0] == 2):
        return
    ras = RAS_TO_LPS @ affine
    header["sform_code"] = header["qform_code"] = SCANNER_CODE if n == 3 else _ALIGNED_CODE
    header["srow_x"], header["srow_y"], header["srow_z"] = ras[:3]
    rotation, flip = _nearest_rotation(ras[:3, :3] / np.linalg.norm(ras[:3, :3], axis=0))
    header["pixdim"][0] = flip
    header["quatern_b"], header["quatern_c"], header["quatern_d"] = quaternion_from_rotation(
        rotation
    )
    header["qoffset_x"], header["qoffset_y"], header["qoffset_z"] = ras[:3, 3]


def _nearest_rotation(axes: FloatArray) -> tuple[FloatArray, float]:
    """Return the rotation nearest to the axes, and qfac: -1 if the third axis is reversed."""
    u, _, vh = np.linalg.svd(axes)
    nearest = u @ vh
    flip = -1.0 if np.linalg.det(nearest) < 0 else 1.0
    return nearest * [1.0, 1.0, flip], flip


def _has_position(grid: FileGrid) -> bool:
    """Return whether a grid has an origin other than 0, or rotated axes."""
    return any(grid.origin) or not np.array_equal(grid.direction, np.eye(len(grid.size)))


def _find_unit_and_step(axis: Axis | None) -> tuple[int, float]:
    """Return the unit code and step of the fourth dimension; code 0 if NIfTI has no such unit."""
    if axis is None:
        return _SECONDS_CODE, 1.0  # what programs expect without a fourth dimension
    if axis.label == "time" and axis.unit in _SECONDS_PER_UNIT:
        return _SECONDS_CODE, axis.step * _SECONDS_PER_UNIT[axis.unit]
    codes = (code for code, names in SPECTRAL_UNITS.items() if names == (axis.label, axis.unit))
    return next(codes, 0), axis.step


def _describe_losses(grid: FileGrid, dimensions: _Dimensions) -> tuple[str, ...]:
    """Return notes about what NIfTI cannot hold of a volume."""
    notes = []
    fourth = dimensions.fourth
    if fourth is not None and fourth != Axis(FRAME_LABEL) and not _find_unit_and_step(fourth)[0]:
        notes.append(
            f"NIfTI has no name for the axis {fourth.label}: it was written as the fourth "
            "dimension, without a unit."
        )
    if grid.spatial_ndim == 2 and max(dimensions.size[2:]) > 1 and _has_position(grid):
        notes.append("The origin and directions of the image were not written.")
    return tuple(notes)
