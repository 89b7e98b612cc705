"""Reads GIPL (Guy's Image Processing Laboratory), ``.gipl`` and ``.gipl.gz``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume
from napari_medread.formats.shared.file_grid import FRAME_LABEL
from napari_medread.formats.shared.stored_voxels import (
    StoredVoxels,
    make_unreadable_error,
    read_decompressed_start,
    read_stored_voxels,
    shape_from_size,
)
from napari_medread.formats.shared.volume_assembly import (
    NO_DIRECTIONS,
    affine_from_spacing,
    assemble_volume,
    make_geometry,
)

_HEADER = np.dtype(
    [("dim", ">u2", 4), ("type", ">u2"), ("pixdim", ">f4", 4), ("text", "S80"),
     ("matrix", ">f4", 20), ("flags", "u1", 2), ("range", ">f8", 2), ("origin", ">f8", 4),
     ("calibration", ">f4", 2), ("user", ">f4", 2), ("magic", ">u4")]
)  # fmt: skip
"""The header, 256 bytes. ``text`` may hold the patient's name, and is not used."""

_MAGIC_NUMBERS = (0xEFFFE9B0, 0x2AE389B8)
"""Last number of the header, in the two versions of the format."""

_TYPES = {7: "i1", 8: "u1", 15: "i2", 16: "u2", 31: "u4", 32: "i4", 64: "f4", 65: "f8"}


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read a GIPL file.

    Parameters
    ----------
    path : Path
        The file. Compression is detected from its content.
    progress : Progress
        Reports progress on a compressed file, and cancels.

    Returns
    -------
    list of Volume
        One volume of three dimensions. A fourth is a leading axis.

    Raises
    ------
    UnreadableFile
        If the file is not GIPL, corrupt or too short.
    """
    start, is_compressed = read_decompressed_start(path, _HEADER.itemsize)
    if len(start) < _HEADER.itemsize:
        raise make_unreadable_error(path, "the file ends inside its header.")
    header = np.frombuffer(start, _HEADER, 1)[0]
    if header["magic"] not in _MAGIC_NUMBERS:
        raise make_unreadable_error(path, "this is not a GIPL file.")
    code = int(header["type"])
    if code not in _TYPES:
        raise make_unreadable_error(path, f"its type {code} cannot be read.")
    size = [max(int(n), 1) for n in header["dim"]]
    shape = shape_from_size(size)
    dtype = np.dtype(_TYPES[code]).newbyteorder(">")
    offset = _HEADER.itemsize
    data = read_stored_voxels(
        StoredVoxels(path, offset, shape, dtype, 0 if is_compressed else None), path.name, progress
    )
    affine = affine_from_spacing(header["pixdim"][:3], header["origin"][:3])
    geometry = make_geometry(path, shape[1:], affine)
    return [assemble_volume(path, data, geometry, [Axis(FRAME_LABEL)], notes=[NO_DIRECTIONS])]
