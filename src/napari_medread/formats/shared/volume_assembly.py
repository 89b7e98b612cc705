"""The last step of reading a file: its voxels and what was found out make a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_medread.core import contrast_limits
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume, to_world_order
from napari_medread.errors import NotAVolume
from napari_medread.formats.registry import name_of
from napari_medread.formats.shared.stored_voxels import unreadable

SHEARED = (
    "The axes are not at right angles: the slices are drawn straight, and the true positions "
    "are in the layer's metadata['patient_affine']."
)

"""The note on grids that napari cannot draw as they are."""

NO_DIRECTIONS = (
    "The format gives no directions: its axes are taken for the patient's left, back and head, "
    "as SimpleITK takes them."
)
"""The note on formats that know no more than an origin and spacings."""


def volume_of(
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
    """Return the volume of a file.

    Parameters
    ----------
    path : Path
        The file.
    data : array
        One axis for each of ``leading``, then the grid's, then colour where ``rgb``. Leading
        axes of length 1 are dropped: they tell nothing.
    geometry : Geometry or None
        Of the grid as it is in ``data``.
    leading : sequence of Axis
        What the axes before the grid are.
    rgb, labels : bool
        Whether the values are colours, or numbers of regions.
    window : tuple of float or None
        Lowest and highest value to show, where the file says so.
    notes, header
        As in ``Volume``.
    """
    gone = [n for n in range(len(leading)) if data.shape[n] == 1]
    data = data.squeeze(tuple(gone))
    kept = tuple(axis for n, axis in enumerate(leading) if n not in gone)
    grey = not (rgb or labels)
    limits = (window or contrast_limits.limits_of(data)) if grey else None
    if geometry is not None:
        if geometry.is_sheared:
            notes = (*notes, SHEARED)
        data, geometry = to_world_order(data, geometry, len(kept), rgb=rgb)
    low, high = window or (0.0, 0.0)
    return Volume(
        data,
        name_of(path),
        geometry,
        kept,
        rgb=rgb,
        labels=labels,
        contrast_limits=limits,
        source=(path,),
        notes=tuple(notes),
        windows=(((low + high) / 2, high - low, ""),) if window and grey else (),
        header=dict(header or {}),
    )


def along_the_axes(spacing: Sequence[float], origin: Sequence[float]) -> NDArray[np.float64]:
    """Return the matrix of a grid along the axes of space, of numbers in the order x, y[, z]."""
    n = len(spacing)
    affine = np.eye(n + 1)
    affine[:n, :n] = np.diag([float(step) for step in spacing])[:, ::-1]
    affine[:n, n] = [float(place) for place in origin]
    return affine


def is_colour(dtype: np.dtype[Any], channels: int) -> bool:
    """Tell whether the numbers of a voxel are its colour: three or four, small and unsigned."""
    return channels in (3, 4) and dtype in (np.uint8, np.uint16)


def geometry_of(path: Path, shape: Sequence[int], affine: ArrayLike) -> Geometry:
    """Return the geometry that a file gives.

    Raises
    ------
    UnreadableFile
        Where it is none.
    """
    try:
        return Geometry(shape, affine)
    except NotAVolume as error:
        problem = str(error)
        raise unreadable(path, problem[0].lower() + problem[1:]) from error
