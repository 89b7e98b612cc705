"""Reads the voxels of an NRRD: raw and gzip data directly, all others through SimpleITK."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.progress import Progress, no_progress
from napari_medread.formats.nrrd.nrrd_header import NrrdHeader
from napari_medread.formats.shared.simpleitk_images import read_with_simpleitk
from napari_medread.formats.shared.stored_voxels import (
    StoredVoxels,
    read_stored_voxels,
    shape_from_size,
)

_DOMAIN_KINDS = ("", "domain", "space", "time")
"""Kinds of axes that SimpleITK does not treat as channels."""


def read_nrrd_voxels(header: NrrdHeader, progress: Progress = no_progress) -> NDArray[Any]:
    """Return the voxels as an array with the axes of the file, fastest axis last.

    Raises
    ------
    UnreadableFile
        If data are missing, corrupt or too short.
    """
    target = header.fields.get("data file")
    is_one_file = target is None or not ("%" in target or target.startswith("LIST"))
    if header.encoding not in ("raw", "gzip") or not is_one_file or _read_skip(header, "line skip"):
        return _read_by_simpleitk(header)
    path, start = header.path, header.data_offset
    if target is not None:
        path, start = header.path.parent / target, 0
        if not path.is_file():
            raise header.error(f"its data file '{target[:80]}' is missing.")
    shape, skip = shape_from_size(header.sizes), _read_skip(header, "byte skip")
    stream_start = None
    if header.encoding == "gzip":
        start, stream_start = max(skip, 0), start
    elif skip < 0:  # the data are at the end of the file
        start = max(start, path.stat().st_size - math.prod(shape) * header.dtype.itemsize)
    else:
        start += skip
    return read_stored_voxels(
        StoredVoxels(path, start, shape, header.dtype, stream_start), header.path.name, progress
    )


def _read_skip(header: NrrdHeader, field: str) -> int:
    """Return the number of lines or bytes before the data."""
    try:
        return int(header.fields.get(field, 0))
    except ValueError as error:
        raise header.error(f"its {field} is not a whole number.") from error


def _read_by_simpleitk(header: NrrdHeader) -> NDArray[Any]:
    """Read the other encodings, such as text, and data in several files."""
    array = read_with_simpleitk(header.path, "NrrdImageIO").array
    channels = [n for n, kind in enumerate(header.kinds) if kind not in _DOMAIN_KINDS]
    if len(channels) == 1 and array.ndim == len(header.sizes):
        # SimpleITK moves the channels to the end.
        array = np.moveaxis(array, -1, array.ndim - 1 - channels[0])
    if array.shape != shape_from_size(header.sizes) or array.dtype.str[1:] != header.dtype.str[1:]:
        raise header.error("SimpleITK reads its header differently.")
    return array
