"""Legacy VTK, ``.vtk``: read by SimpleITK once all of it is found to be there.

SimpleITK hands out uninitialised memory where such a file ends early.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume
from napari_medread.core.voxel_blocks import CHANNEL
from napari_medread.formats.shared.simpleitk_images import read_image
from napari_medread.formats.shared.stored_voxels import unreadable
from napari_medread.formats.shared.volume_assembly import (
    NO_DIRECTIONS,
    along_the_axes,
    geometry_of,
    is_colour,
    volume_of,
)

_BYTES = {
    "char": 1, "unsigned_char": 1, "short": 2, "unsigned_short": 2, "int": 4, "unsigned_int": 4,
    "long": 8, "unsigned_long": 8, "long_long": 8, "unsigned_long_long": 8, "vtktypeint64": 8,
    "vtktypeuint64": 8, "float": 4, "double": 8,
}  # fmt: skip
"""Type to how many bytes SimpleITK takes it for."""

_LONGEST_HEADER = 1 << 13
"""Bytes in which the header of an image ends."""

_SIZE = re.compile(rb"^\s*DIMENSIONS\s+(\d+)\s+(\d+)\s+(\d+)", re.IGNORECASE | re.MULTILINE)

_PLACE = re.compile(
    rb"^\s*(?:SPACING|ASPECT_RATIO|ORIGIN)\s+(\S+)\s+(\S+)\s+(\S+)", re.IGNORECASE | re.MULTILINE
)

_VOXELS = re.compile(
    rb"^\s*(?:(?P<scalars>SCALARS)\s+\S+\s+(?P<type>\w+)(?:[ \t]+(?P<count>\d+))?[ \t]*\r?\n"
    rb"(?:\s*LOOKUP_TABLE\s+\S+[ \t]*\r?\n)?"
    rb"|(?P<other>VECTORS|TENSORS)\s+\S+\s+(?P<other_type>\w+)[ \t]*\r?\n"
    rb"|COLOR_SCALARS\s+\S+\s+(?P<colours>\d+)[ \t]*\r?\n)",
    re.IGNORECASE | re.MULTILINE,
)
"""The lines after which the voxels start."""


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read a legacy VTK file of structured points.

    Parameters
    ----------
    path : Path
        The file.
    progress : Progress
        Not used: SimpleITK reads a file in one go.

    Returns
    -------
    list of Volume
        One. Two-dimensional images have no patient position.

    Raises
    ------
    UnreadableFile
        Where it is broken, too short, or of a kind that SimpleITK does not read.
    """
    del progress
    _check(path)
    image = read_image(path, "VTKImageIO")
    data, leading = image.array, []
    rgb = is_colour(data.dtype, image.channels)
    if image.channels > 1 and not rgb:
        data, leading = np.moveaxis(data, -1, 0), [Axis(CHANNEL)]
    affine = along_the_axes(image.spacing, image.origin)
    geometry = geometry_of(path, image.size[::-1], affine)
    notes = [NO_DIRECTIONS] if geometry.ndim == 3 else []
    return [volume_of(path, data, geometry, leading, rgb=rgb, notes=notes)]


def _check(path: Path) -> None:
    """Refuse a file that holds no image, or less of it than its header promises."""
    try:
        with path.open("rb") as file:
            start = file.read(_LONGEST_HEADER)
            there = path.stat().st_size
    except OSError as error:
        raise unreadable(path, f"cannot be opened ({error.strerror or error}).") from error
    if not re.match(rb"\s*# vtk DataFile", start, re.IGNORECASE):
        raise unreadable(path, "this is no legacy VTK file.")
    kind = re.search(rb"^\s*DATASET\s+(\w+)", start, re.IGNORECASE | re.MULTILINE)
    if not kind or kind[1].upper() != b"STRUCTURED_POINTS":
        name = kind[1].decode("ascii", "replace") if kind else "nothing"
        raise unreadable(path, f"it holds no image of a regular grid (DATASET {name}).")
    size = re.search(
        rb"^\s*DIMENSIONS\s+(\d+)\s+(\d+)\s+(\d+)", start, re.IGNORECASE | re.MULTILINE
    )
    for place in _PLACE.finditer(start):
        if not all(_is_finite(word) for word in place.groups()):
            raise unreadable(path, "its spacing or origin holds what is no finite number.")
    voxels = _VOXELS.search(start)
    if not size or not voxels:
        raise unreadable(path, "its header is not complete (DIMENSIONS, SCALARS).")
    count = math.prod(int(n) for n in size.groups())
    kind_of = (voxels["type"] or voxels["other_type"] or b"unsigned_char").decode().lower()
    if kind_of not in _BYTES:
        raise unreadable(path, f"its type {kind_of} is unknown.")
    numbers = {b"VECTORS": 3, b"TENSORS": 9}.get((voxels["other"] or b"").upper())
    count *= numbers or int(voxels["count"] or voxels["colours"] or 1)
    if re.match(rb"[^\n]*\n[^\n]*\n\s*ASCII", start, re.IGNORECASE):
        held = len(path.read_bytes()[voxels.end() :].split(maxsplit=count)[:count])
        unit = "numbers"
    else:
        held, count = max(0, there - voxels.end()), count * _BYTES[kind_of]
        unit = "bytes"
    if not count or held < count:
        raise unreadable(path, f"it holds {held} {unit} where the header promises {count}.")


def _is_finite(word: bytes) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False
