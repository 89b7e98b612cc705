"""GIPL (Guy's Image Processing Laboratory), ``.gipl`` and ``.gipl.gz``; SimpleITK is the judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume
from napari_medread.formats.shared.file_grid import FRAME
from napari_medread.formats.shared.stored_voxels import (
    Stored,
    read_stored,
    reversed_size,
    start_of,
    unreadable,
)
from napari_medread.formats.shared.volume_assembly import (
    NO_DIRECTIONS,
    along_the_axes,
    geometry_of,
    volume_of,
)

_HEADER = np.dtype(
    [("dim", ">u2", 4), ("type", ">u2"), ("pixdim", ">f4", 4), ("text", "S80"),
     ("matrix", ">f4", 20), ("flags", "u1", 2), ("range", ">f8", 2), ("origin", ">f8", 4),
     ("calibration", ">f4", 2), ("user", ">f4", 2), ("magic", ">u4")]
)  # fmt: skip
"""The 256 bytes before the voxels. ``text`` may name the patient, and is not kept."""

_MAGIC = (0xEFFFE9B0, 0x2AE389B8)
"""Last number of the header, of two versions."""

_TYPES = {7: "i1", 8: "u1", 15: "i2", 16: "u2", 31: "u4", 32: "i4", 64: "f4", 65: "f8"}


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read a GIPL.

    Parameters
    ----------
    path : Path
        The file; whether it is packed is seen from its content.
    progress : Progress
        Reports progress on a file that is packed.

    Returns
    -------
    list of Volume
        One, of three dimensions; a fourth is a leading axis.

    Raises
    ------
    UnreadableFile
        Where it is none, broken or too short.
    """
    start, packed = start_of(path, _HEADER.itemsize)
    if len(start) < _HEADER.itemsize:
        raise unreadable(path, "the file ends inside its header.")
    header = np.frombuffer(start, _HEADER, 1)[0]
    if header["magic"] not in _MAGIC:
        raise unreadable(path, "this is no GIPL file.")
    code = int(header["type"])
    if code not in _TYPES:
        raise unreadable(path, f"its type {code} cannot be read.")
    size = [max(int(n), 1) for n in header["dim"]]
    shape = reversed_size(size)
    dtype = np.dtype(_TYPES[code]).newbyteorder(">")
    offset = _HEADER.itemsize
    data = read_stored(
        Stored(path, offset, shape, dtype, 0 if packed else None), path.name, progress
    )
    affine = along_the_axes(header["pixdim"][:3], header["origin"][:3])
    geometry = geometry_of(path, shape[1:], affine)
    return [volume_of(path, data, geometry, [Axis(FRAME)], notes=[NO_DIRECTIONS])]
