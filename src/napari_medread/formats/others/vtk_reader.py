"""Reads legacy VTK, ``.vtk``, through SimpleITK after checking that the file is complete.

SimpleITK returns uninitialised memory if such a file is truncated.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume, is_colour
from napari_medread.core.voxel_blocks import CHANNEL_LABEL
from napari_medread.formats.shared.simpleitk_images import read_with_simpleitk
from napari_medread.formats.shared.stored_voxels import make_unreadable_error
from napari_medread.formats.shared.volume_assembly import (
    NO_DIRECTIONS,
    affine_from_spacing,
    assemble_volume,
    make_geometry,
)

_TYPE_BYTES = {
    "char": 1, "unsigned_char": 1, "short": 2, "unsigned_short": 2, "int": 4, "unsigned_int": 4,
    "long": 8, "unsigned_long": 8, "long_long": 8, "unsigned_long_long": 8, "vtktypeint64": 8,
    "vtktypeuint64": 8, "float": 4, "double": 8,
}  # fmt: skip
"""Type to the number of bytes that SimpleITK assumes for it."""

_MAX_HEADER_BYTES = 1 << 13
"""Number of bytes in which the header must end."""

_DIMENSIONS_LINE = re.compile(
    rb"^\s*DIMENSIONS\s+(\d+)\s+(\d+)\s+(\d+)", re.IGNORECASE | re.MULTILINE
)

_SPACING_OR_ORIGIN_LINE = re.compile(
    rb"^\s*(?:SPACING|ASPECT_RATIO|ORIGIN)\s+(\S+)\s+(\S+)\s+(\S+)", re.IGNORECASE | re.MULTILINE
)

_VOXELS_HEADER = re.compile(
    rb"^\s*(?:(?P<scalars>SCALARS)\s+\S+\s+(?P<type>\w+)(?:[ \t]+(?P<count>\d+))?[ \t]*\r?\n"
    rb"(?:\s*LOOKUP_TABLE\s+\S+[ \t]*\r?\n)?"
    rb"|(?P<other>VECTORS|TENSORS)\s+\S+\s+(?P<other_type>\w+)[ \t]*\r?\n"
    rb"|COLOR_SCALARS\s+\S+\s+(?P<colours>\d+)[ \t]*\r?\n)",
    re.IGNORECASE | re.MULTILINE,
)
"""The lines that precede the voxels."""


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read a legacy VTK file of structured points.

    Parameters
    ----------
    path : Path
        The file.
    progress : Progress
        Not used: SimpleITK reads a file in one call.

    Returns
    -------
    list of Volume
        One volume. Two-dimensional images have no patient position.

    Raises
    ------
    UnreadableFile
        If the file is corrupt, too short, or of a kind that SimpleITK does not read.
    """
    del progress
    _check(path)
    image = read_with_simpleitk(path, "VTKImageIO")
    data, leading = image.array, []
    rgb = is_colour(data.dtype, image.channels)
    if image.channels > 1 and not rgb:
        data, leading = np.moveaxis(data, -1, 0), [Axis(CHANNEL_LABEL)]
    affine = affine_from_spacing(image.spacing, image.origin)
    geometry = make_geometry(path, image.size[::-1], affine)
    notes = [NO_DIRECTIONS] if geometry.ndim == 3 else []
    return [assemble_volume(path, data, geometry, leading, rgb=rgb, notes=notes)]


def _check(path: Path) -> None:
    """Raise if a file holds no image, or fewer voxels than its header specifies."""
    try:
        with path.open("rb") as file:
            start = file.read(_MAX_HEADER_BYTES)
            file_bytes = path.stat().st_size
    except OSError as error:
        raise make_unreadable_error(
            path, f"cannot be opened ({error.strerror or error})."
        ) from error
    if not re.match(rb"\s*# vtk DataFile", start, re.IGNORECASE):
        raise make_unreadable_error(path, "this is not a legacy VTK file.")
    kind = re.search(rb"^\s*DATASET\s+(\w+)", start, re.IGNORECASE | re.MULTILINE)
    if not kind or kind[1].upper() != b"STRUCTURED_POINTS":
        name = kind[1].decode("ascii", "replace") if kind else "nothing"
        raise make_unreadable_error(path, f"it holds no image on a regular grid (DATASET {name}).")
    size = _DIMENSIONS_LINE.search(start)
    for line in _SPACING_OR_ORIGIN_LINE.finditer(start):
        if not all(_is_finite(word) for word in line.groups()):
            raise make_unreadable_error(path, "its spacing or origin is not a finite number.")
    voxels = _VOXELS_HEADER.search(start)
    if not size or not voxels:
        raise make_unreadable_error(path, "its header is not complete (DIMENSIONS, SCALARS).")
    count = math.prod(int(n) for n in size.groups())
    type_name = (voxels["type"] or voxels["other_type"] or b"unsigned_char").decode().lower()
    if type_name not in _TYPE_BYTES:
        raise make_unreadable_error(path, f"its type {type_name} is unknown.")
    numbers = {b"VECTORS": 3, b"TENSORS": 9}.get((voxels["other"] or b"").upper())
    count *= numbers or int(voxels["count"] or voxels["colours"] or 1)
    if re.match(rb"[^\n]*\n[^\n]*\n\s*ASCII", start, re.IGNORECASE):
        held = len(path.read_bytes()[voxels.end() :].split(maxsplit=count)[:count])
        unit = "numbers"
    else:
        held, count = max(0, file_bytes - voxels.end()), count * _TYPE_BYTES[type_name]
        unit = "bytes"
    if not count or held < count:
        raise make_unreadable_error(
            path, f"it holds {held} {unit}, but the header specifies {count}."
        )


def _is_finite(word: bytes) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False
