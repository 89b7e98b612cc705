"""The last step of reading a file: make a volume of its voxels, geometry and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_medread.core.geometry import Geometry
from napari_medread.core.opening_window import choose_array_window
from napari_medread.core.volume import Axis, Volume, to_world_order
from napari_medread.errors import NotAVolume
from napari_medread.formats.registry import strip_format_suffix
from napari_medread.formats.shared.stored_voxels import make_unreadable_error

SHEARED_AXES = (
    "The axes are not at right angles: the slices are drawn straight, and the true positions "
    "are in the layer's metadata['patient_affine']."
)
"""Note on sheared grids, which napari cannot draw in 2D."""

NO_DIRECTIONS = (
    "The format gives no directions: its axes are assumed to point to the patient's left, back "
    "and head, as SimpleITK assumes."
)
"""Note on formats that store only an origin and a spacing."""


def assemble_volume(
    path: Path,
    data: NDArray[Any],
    geometry: Geometry | None,
    leading: Sequence[Axis],
    *,
    rgb: bool = False,
    labels: bool = False,
    window: tuple[float, float] | None = None,
    notes: Sequence[str] = (),
    header: Mapping[str, str] | None = None,
) -> Volume:
    """Make the volume of a file.

    Parameters
    ----------
    path : Path
        The file.
    data : array
        Shape ``(*leading, *grid)``, with a last axis of 3 or 4 if ``rgb``. Leading axes of
        length 1 are dropped.
    geometry : Geometry or None
        Geometry of the grid in the axis order of ``data``; None without a spacing.
    leading : sequence of Axis
        The axes before the grid.
    rgb, labels : bool
        Whether the values are colours, or region numbers.
    window : tuple of float or None
        Lowest and highest value to display, if the file gives them.
    notes, header
        As in ``Volume``.
    """
    dropped = [n for n in range(len(leading)) if data.shape[n] == 1]
    data = data.squeeze(tuple(dropped))
    kept = tuple(axis for n, axis in enumerate(leading) if n not in dropped)
    is_grey = not (rgb or labels)
    opening = None
    if is_grey:
        slice_axis = 0 if geometry is None else geometry.slice_axis
        opening = choose_array_window(data, slice_axis, file_limits=window)
        notes = (*notes, *opening.notes)
    if geometry is not None:
        if geometry.is_sheared:
            notes = (*notes, SHEARED_AXES)
        data, geometry = to_world_order(data, geometry, len(kept), rgb=rgb)
    low, high = window or (0.0, 0.0)
    return Volume(
        data,
        strip_format_suffix(path),
        geometry,
        kept,
        rgb=rgb,
        labels=labels,
        contrast_limits=None if opening is None else opening.limits,
        source=(path,),
        notes=tuple(notes),
        windows=(((low + high) / 2, high - low, ""),) if window and is_grey else (),
        header=dict(header or {}),
        proposed_windows=() if opening is None else opening.proposed,
    )


def affine_from_spacing(spacing: Sequence[float], origin: Sequence[float]) -> NDArray[np.float64]:
    """Return the affine of an axis-aligned grid, for spacing and origin in the order x, y[, z].

    Returns
    -------
    array
        (n + 1, n + 1) matrix from the array index, in the order [z, ]y, x, to x, y[, z] in mm.
    """
    n = len(spacing)
    affine = np.eye(n + 1)
    affine[:n, :n] = np.diag([float(step) for step in spacing])[:, ::-1]
    affine[:n, n] = [float(value) for value in origin]
    return affine


def make_geometry(path: Path, shape: Sequence[int], affine: ArrayLike) -> Geometry:
    """Return the geometry of an affine, as ``Geometry`` does.

    Raises
    ------
    UnreadableFile
        If the affine makes no grid; the sentence starts with the name of the file.
    """
    try:
        return Geometry(shape, affine)
    except NotAVolume as error:
        problem = str(error)
        raise make_unreadable_error(path, problem[0].lower() + problem[1:]) from error
