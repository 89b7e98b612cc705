"""The voxels of an NRRD: plain or packed ones are read here, all others by SimpleITK."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.progress import Progress, no_progress
from napari_medread.formats.nrrd.nrrd_header import Header
from napari_medread.formats.shared.simpleitk_images import read_image
from napari_medread.formats.shared.stored_voxels import Stored, read_stored, reversed_size

_DOMAIN = ("", "domain", "space", "time")
"""Kinds of axes that SimpleITK does not take for the numbers of a voxel."""


def read_pixels(header: Header, progress: Progress = no_progress) -> NDArray[Any]:
    """Return the voxels in the shape of the file, its fastest axis last.

    Raises
    ------
    UnreadableFile
        Where data are missing, broken or too short.
    """
    target = header.fields.get("data file")
    one = target is None or not ("%" in target or target.startswith("LIST"))
    if header.encoding not in ("raw", "gzip") or not one or _skip(header, "line skip"):
        return _by_simpleitk(header)
    path, start = header.path, header.data_offset
    if target is not None:
        path, start = header.path.parent / target, 0
        if not path.is_file():
            raise header.error(f"its data file '{target[:80]}' is missing.")
    shape, skip = reversed_size(header.sizes), _skip(header, "byte skip")
    packed_from = None
    if header.encoding == "gzip":
        start, packed_from = max(skip, 0), start
    elif skip < 0:  # the data are at the end of the file
        start = max(start, path.stat().st_size - math.prod(shape) * header.dtype.itemsize)
    else:
        start += skip
    return read_stored(
        Stored(path, start, shape, header.dtype, packed_from), header.path.name, progress
    )


def _skip(header: Header, field: str) -> int:
    """Return how many lines or bytes come before the data."""
    try:
        return int(header.fields.get(field, 0))
    except ValueError as error:
        raise header.error(f"its {field} is no whole number.") from error


def _by_simpleitk(header: Header) -> NDArray[Any]:
    """Read numbers as text, many files and the like."""
    array = read_image(header.path, "NrrdImageIO").array
    voxel = [n for n, kind in enumerate(header.kinds) if kind not in _DOMAIN]
    if len(voxel) == 1 and array.ndim == len(header.sizes):
        # SimpleITK puts the numbers of a voxel last, wherever they are in the file.
        array = np.moveaxis(array, -1, array.ndim - 1 - voxel[0])
    if array.shape != reversed_size(header.sizes) or array.dtype.str[1:] != header.dtype.str[1:]:
        raise header.error("SimpleITK understands its header otherwise.")
    return array
