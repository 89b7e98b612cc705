"""FreeSurfer's MGH, ``.mgh`` and ``.mgz``; SimpleITK reads none, nibabel is the judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume
from napari_medread.formats.nifti.nifti_orientation import RAS_TO_LPS
from napari_medread.formats.shared.file_grid import FRAME, SLICE
from napari_medread.formats.shared.stored_voxels import (
    Stored,
    read_stored,
    reversed_size,
    start_of,
    unreadable,
)
from napari_medread.formats.shared.volume_assembly import geometry_of, volume_of

_HEADER = np.dtype(
    [("version", ">i4"), ("dims", ">i4", 4), ("type", ">i4"), ("dof", ">i4"),
     ("goodRASFlag", ">i2"), ("delta", ">f4", 3), ("Mdc", ">f4", (3, 3)), ("Pxyz_c", ">f4", 3)]
)  # fmt: skip
"""The start of the header, by the names that FreeSurfer gives its parts."""

_VOXELS = 284
"""Where the voxels start."""

_TYPES = {0: "u1", 1: "i4", 3: "f4", 4: "i2", 10: "u2"}

NO_PLACE = "The file gives no patient position (goodRASFlag): left and right are not known."


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read an MGH file.

    Parameters
    ----------
    path : Path
        The file; whether it is packed is seen from its content.
    progress : Progress
        Reports progress on a file that is packed.

    Returns
    -------
    list of Volume
        One; frames are a leading axis. A file that says that its place is not good has none,
        and its slices are a leading axis too.

    Raises
    ------
    UnreadableFile
        Where it is none, broken or too short.
    """
    start, packed = start_of(path, _VOXELS)
    if len(start) < _VOXELS:
        raise unreadable(path, "the file ends inside its header.")
    header = np.frombuffer(start, _HEADER, 1)[0]
    if header["version"] != 1 or min(header["dims"]) < 1:
        raise unreadable(path, "this is no MGH file.")
    code = int(header["type"])
    if code not in _TYPES:
        raise unreadable(path, f"its type {code} cannot be read.")
    shape = reversed_size(header["dims"])
    dtype = np.dtype(_TYPES[code]).newbyteorder(">")
    stored = Stored(path, _VOXELS, shape, dtype, 0 if packed else None)
    data = read_stored(stored, path.name, progress)
    if not all(np.isfinite(header[name]).all() for name in ("delta", "Mdc", "Pxyz_c")):
        raise unreadable(path, "the numbers of its geometry are not finite.")
    delta = header["delta"].astype(float)
    if header["goodRASFlag"] > 0:
        affine = np.eye(4)
        # A row of Mdc is the direction of an axis, and Pxyz_c the place of the middle voxel.
        affine[:3, :3] = header["Mdc"].astype(float).T * delta
        affine[:3, 3] = header["Pxyz_c"] - affine[:3, :3] @ (header["dims"][:3] / 2)
        place = (RAS_TO_LPS @ affine)[:, [2, 1, 0, 3]]
        return [volume_of(path, data, geometry_of(path, shape[1:], place), [Axis(FRAME)])]
    plane = np.diag([delta[1], delta[0], 1.0])[[1, 0, 2]]
    leading = [Axis(FRAME), Axis(SLICE, "mm", float(delta[2]) or 1.0)]
    return [volume_of(path, data, geometry_of(path, shape[2:], plane), leading, notes=[NO_PLACE])]
