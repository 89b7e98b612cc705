"""Reads NRRD, ``.nrrd`` and ``.nhdr``."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.geometry import Geometry
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import NO_PIXEL_SIZE, Axis, Volume, is_colour
from napari_medread.core.voxel_blocks import CHANNEL_LABEL
from napari_medread.formats.nrrd.nrrd_header import SPACE_TO_LPS_SIGNS, NrrdHeader, read_nrrd_header
from napari_medread.formats.nrrd.nrrd_voxels import read_nrrd_voxels
from napari_medread.formats.shared.file_grid import (
    FRAME_LABEL,
    LABEL_MAP_KEY,
    LEADING_AXES_KEY,
    SLICE_LABEL,
    parse_leading_axes,
    remove_patient_keys,
)
from napari_medread.formats.shared.volume_assembly import assemble_volume, make_geometry

NO_POSITION = "The file gives no patient position (no space): left and right are not known."

_SPATIAL_KINDS = ("", "domain", "space")
"""Kinds of axes that may be spatial."""

_COLOUR_KINDS = ("rgb-color", "rgba-color", "3-color", "4-color", "vector", "3-vector", "4-vector")
"""Kinds of axes that are colour if their values are unsigned with 8 or 16 bits.

SimpleITK writes colour as ``vector``.
"""

_SEQUENCE_KINDS = ("time", "list", "stub", "scalar")
"""Kinds of axes that are neither spatial nor the channels of a voxel."""

_MM_PER_UNIT = {"m": 1e3, "cm": 10.0, "mm": 1.0, "um": 1e-3, "µm": 1e-3, "μm": 1e-3, "nm": 1e-6,
                "meter": 1e3, "micron": 1e-3, "microns": 1e-3}  # fmt: skip
_SECONDS_PER_UNIT = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6}

_SEGMENT_KEY = re.compile(r"Segment\d+_ID")
"""Keys that 3D Slicer writes for each segment of a segmentation."""


class _AxisRoles(NamedTuple):
    """The meaning of the axes of a file, which are numbered from the fastest.

    Attributes
    ----------
    spatial : tuple of int
        Two or three spatial axes.
    others : tuple of int
        Axes along which whole images follow one another.
    channel : int or None
        The axis of the values of one voxel.
    """

    spatial: tuple[int, ...]
    others: tuple[int, ...]
    channel: int | None


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read an NRRD.

    Parameters
    ----------
    path : Path
        The file of the header, which may contain the data.
    progress : Progress
        Reports progress on compressed data, and cancels.

    Returns
    -------
    list of Volume
        One volume. In a space of the patient (LPS, RAS, LAS) it has a patient position; otherwise
        its slices are a leading axis. Axes of the kinds ``time`` and ``list`` are leading axes,
        as are channels that are not colour. Segmentations by 3D Slicer are labels.

    Raises
    ------
    UnreadableFile
        If the header is invalid, or the data are missing, corrupt or too short.
    """
    header = read_nrrd_header(path)
    axes = _find_axis_roles(header)
    geometry, notes = _find_geometry(header, axes)
    data = read_nrrd_voxels(header, progress)
    rgb = axes.channel is not None and _is_colour_axis(header, axes.channel)
    channels = () if axes.channel is None else (axes.channel,)
    order = (
        *(() if rgb else channels),
        *axes.others[::-1],
        *axes.spatial[::-1],
        *(channels if rgb else ()),
    )
    data = data.transpose([data.ndim - 1 - axis for axis in order])
    leading: tuple[Axis, ...] = _make_other_axes(header, axes)[::-1]
    if channels and not rgb:
        leading = (Axis(header.strings("labels")[channels[0]] or CHANNEL_LABEL), *leading)
    if len(axes.spatial) == 3 and (geometry is None or geometry.ndim == 2):
        leading = (*leading, _make_slice_axis(header, axes.spatial[2], geometry))
    kept, _ = remove_patient_keys(header.keys, keep_patient=False)
    return [
        assemble_volume(
            path,
            data,
            geometry,
            leading,
            rgb=rgb,
            labels=not rgb and _is_label_map(header),
            notes=notes,
            header={**header.fields, **kept},
        )
    ]


def _is_label_map(header: NrrdHeader) -> bool:
    return LABEL_MAP_KEY in header.keys or any(_SEGMENT_KEY.fullmatch(key) for key in header.keys)


def _find_axis_roles(header: NrrdHeader) -> _AxisRoles:
    """Find the spatial axes, the channel axis and the others."""
    numbers = range(len(header.sizes))
    channels = [n for n in numbers if header.kinds[n] not in (*_SPATIAL_KINDS, *_SEQUENCE_KINDS)]
    if len(channels) > 1:
        raise header.error("it has more than one axis of channels.")
    domain = [n for n in numbers if n not in channels]
    n_leading = len(parse_leading_axes(header.keys.get(LEADING_AXES_KEY, "")))
    if n_leading and 2 <= len(domain) - n_leading <= 3:
        spatial = domain[:-n_leading]
    else:
        spatial = [
            n for n in domain if header.kinds[n] in _SPATIAL_KINDS and _has_direction(header, n)
        ][:3]
    if len(spatial) < 2:
        raise header.error(f"{len(spatial)} of its axes are spatial, but at least 2 are needed.")
    others = tuple(n for n in domain if n not in spatial)
    return _AxisRoles(tuple(spatial), others, channels[0] if channels else None)


def _has_direction(header: NrrdHeader, axis: int) -> bool:
    return not header.directions or header.directions[axis] is not None


def _is_colour_axis(header: NrrdHeader, axis: int) -> bool:
    return (
        is_colour(header.dtype.newbyteorder("="), header.sizes[axis])
        and header.kinds[axis] in _COLOUR_KINDS
        and header.strings("labels")[axis] != CHANNEL_LABEL
    )


def _find_geometry(header: NrrdHeader, axes: _AxisRoles) -> tuple[Geometry | None, list[str]]:
    """Return the geometry and notes: in patient space, a plane with a spacing, or None."""
    shape = [header.sizes[n] for n in axes.spatial][::-1]
    notes: list[str] = []
    scale = _find_mm_per_unit(header, axes, notes)
    vectors = [header.directions[n] for n in axes.spatial] if header.directions else []
    if any(v is None for v in vectors):
        vectors = []
    matrix = np.array(vectors, dtype=float).T if vectors else np.empty((0, 0))
    space = header.patient_space
    if vectors and len(shape) == 3 and space:
        _check_axes_independent(header, axes, matrix[3:])
        affine = np.eye(4)
        affine[:3, :3] = (matrix[:3] * scale)[:, ::-1]
        affine[:3, 3] = header.origin[:3] * scale
        affine[:3] *= np.array(SPACE_TO_LPS_SIGNS[space[:3]])[:, None]
        return make_geometry(header.path, shape, affine), notes
    if len(shape) == 3:
        notes.append(NO_POSITION)
    plane = np.eye(3)
    if len(vectors) == 2 and not space and not matrix[2:].any():
        plane[:2, :2], plane[:2, 2] = matrix[:2, ::-1] * scale, header.origin[:2] * scale
    else:
        steps = _find_spacing(header, axes, matrix)
        if not all(math.isfinite(n) and n > 0 for n in steps):
            return None, [*notes, NO_PIXEL_SIZE]
        plane[:2, :2] = np.diag(np.array(steps[:2]) * scale)[:, ::-1]
        if len(vectors) == 2:
            notes.append("The image is two-dimensional: its patient position was not used.")
    return make_geometry(header.path, shape[-2:], plane), notes


def _find_spacing(header: NrrdHeader, axes: _AxisRoles, matrix: NDArray[np.float64]) -> list[float]:
    """Return the spacing of the spatial axes, in the unit of the file."""
    if matrix.size:
        return [float(n) for n in np.linalg.norm(matrix, axis=0)]
    return [abs(header.spacings[n]) for n in axes.spatial]


def _make_slice_axis(header: NrrdHeader, axis: int, geometry: Geometry | None) -> Axis:
    """Return the axis of the third dimension of an image without a patient position."""
    if geometry is None:
        return Axis(SLICE_LABEL)
    step = abs(header.spacings[axis])
    if header.directions and (direction := header.directions[axis]) is not None:
        step = float(np.linalg.norm(direction))
    scale = _MM_PER_UNIT.get(_find_unit(header, axis), 1.0)
    return Axis(SLICE_LABEL, "mm", step * scale)


def _check_axes_independent(
    header: NrrdHeader, axes: _AxisRoles, other_components: NDArray[np.float64]
) -> None:
    """Raise if a direction mixes spatial axes with other axes."""
    others = (header.directions[n] for n in axes.others)
    if other_components.any() or any(v is not None and v[:3].any() for v in others):
        raise header.error("its directions mix spatial axes with another axis.")


def _find_unit(header: NrrdHeader, axis: int) -> str:
    """Return the unit of an axis; empty if none is given."""
    if not header.directions:
        return header.strings("units")[axis]
    direction = header.directions[axis]
    units = header.strings("space units")
    if direction is None or not direction.any():
        return ""
    nearest = int(np.abs(direction).argmax())
    return units[nearest] if nearest < len(units) else ""


def _find_mm_per_unit(header: NrrdHeader, axes: _AxisRoles, notes: list[str]) -> float:
    """Return the length of the spatial unit in mm, and append a note if it is unknown."""
    units = {_find_unit(header, n) for n in axes.spatial} - {""}
    if len({_MM_PER_UNIT.get(unit, 1.0) for unit in units}) > 1:
        raise header.error(f"its spatial axes have different units ({', '.join(sorted(units))}).")
    scale = max((_MM_PER_UNIT.get(unit, 1.0) for unit in units), default=1.0)
    unknown = sorted(unit for unit in units if unit not in _MM_PER_UNIT)
    if unknown:
        notes.append(f"The unit of length {unknown[0]} is unknown: millimetres are assumed.")
    return scale


def _make_other_axes(header: NrrdHeader, axes: _AxisRoles) -> tuple[Axis, ...]:
    """Return the axes that are neither spatial nor channels, the fastest first."""
    listed = parse_leading_axes(header.keys.get(LEADING_AXES_KEY, ""))
    if listed and len(listed) == len(axes.others):
        return listed[::-1]
    return tuple(_make_other_axis(header, n) for n in axes.others)


def _make_other_axis(header: NrrdHeader, axis: int) -> Axis:
    direction = header.directions[axis] if header.directions else None
    step = header.spacings[axis] if direction is None else float(np.linalg.norm(direction))
    label = header.strings("labels")[axis]
    if header.kinds[axis] == "time":
        label = label or "time"
        seconds = _SECONDS_PER_UNIT.get(_find_unit(header, axis))
        if seconds and math.isfinite(step) and step:
            return Axis(label, "s", abs(step) * seconds)
    return Axis(label or FRAME_LABEL)
