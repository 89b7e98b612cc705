"""Reads FreeSurfer's MGH, ``.mgh`` and ``.mgz``, which SimpleITK does not read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume
from napari_medread.formats.nifti.nifti_orientation import RAS_TO_LPS
from napari_medread.formats.shared.file_grid import FRAME_LABEL, SLICE_LABEL
from napari_medread.formats.shared.stored_voxels import (
    StoredVoxels,
    make_unreadable_error,
    read_decompressed_start,
    read_stored_voxels,
    shape_from_size,
)
from napari_medread.formats.shared.volume_assembly import assemble_volume, make_geometry

_HEADER = np.dtype(
    [("version", ">i4"), ("dims", ">i4", 4), ("type", ">i4"), ("dof", ">i4"),
     ("goodRASFlag", ">i2"), ("delta", ">f4", 3), ("Mdc", ">f4", (3, 3)), ("Pxyz_c", ">f4", 3)]
)  # fmt: skip
"""The start of the header, with FreeSurfer's names of the fields."""

_VOXELS_OFFSET = 284
"""Byte at which the voxels start."""

_VERSION = 1
"""The lowest byte of ``version``."""

_LABEL_INTENT = 1
"""The second byte of ``version``, in which FreeSurfer since 7.3 writes what the values are."""

_TYPES = {0: "u1", 1: "i4", 3: "f4", 4: "i2", 10: "u2"}

NO_POSITION = "The file gives no patient position (goodRASFlag): left and right are not known."


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read an MGH file.

    Parameters
    ----------
    path : Path
        The file. Compression is detected from its content.
    progress : Progress
        Reports progress on a compressed file, and cancels.

    Returns
    -------
    list of Volume
        One volume. Frames are a leading axis. If goodRASFlag is 0 it has no patient position, and
        its slices are a leading axis too.

    Raises
    ------
    UnreadableFile
        If the file is not MGH, corrupt or too short.
    """
    start, is_compressed = read_decompressed_start(path, _VOXELS_OFFSET)
    if len(start) < _VOXELS_OFFSET:
        raise make_unreadable_error(path, "the file ends inside its header.")
    header = np.frombuffer(start, _HEADER, 1)[0]
    version, intent = int(header["version"]) & 0xFF, int(header["version"]) >> 8
    if version != _VERSION or not 0 <= intent <= 0xFF or min(header["dims"]) < 1:
        raise make_unreadable_error(path, "this is not an MGH file.")
    code = int(header["type"])
    if code not in _TYPES:
        raise make_unreadable_error(path, f"its type {code} cannot be read.")
    shape = shape_from_size(header["dims"])
    dtype = np.dtype(_TYPES[code]).newbyteorder(">")
    stored = StoredVoxels(path, _VOXELS_OFFSET, shape, dtype, 0 if is_compressed else None)
    data = read_stored_voxels(stored, path.name, progress)
    if not all(np.isfinite(header[name]).all() for name in ("delta", "Mdc", "Pxyz_c")):
        raise make_unreadable_error(path, "the numbers of its geometry are not finite.")
    delta, labels = header["delta"].astype(float), intent == _LABEL_INTENT
    if header["goodRASFlag"] > 0:
        affine = np.eye(4)
        # Each row of Mdc is the direction of an axis; Pxyz_c is the position of the centre voxel.
        affine[:3, :3] = header["Mdc"].astype(float).T * delta
        affine[:3, 3] = header["Pxyz_c"] - affine[:3, :3] @ (header["dims"][:3] / 2)
        lps_affine = (RAS_TO_LPS @ affine)[:, [2, 1, 0, 3]]
        return [
            assemble_volume(
                path,
                data,
                make_geometry(path, shape[1:], lps_affine),
                [Axis(FRAME_LABEL)],
                labels=labels,
            )
        ]
    plane = np.diag([delta[1], delta[0], 1.0])[[1, 0, 2]]
    leading = [Axis(FRAME_LABEL), Axis(SLICE_LABEL, "mm", float(delta[2]) or 1.0)]
    return [
        assemble_volume(
            path,
            data,
            make_geometry(path, shape[2:], plane),
            leading,
            labels=labels,
            notes=[NO_POSITION],
        )
    ]
