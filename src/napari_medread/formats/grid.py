"""The grid of a file: what a volume's axes are where all of them are just numbered."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from napari_medread.core.geometry import Geometry
from napari_medread.core.planes import CHANNEL, channel_axis
from napari_medread.core.volume import Axis, Volume
from napari_medread.errors import CannotWrite

_MOST = 4
"""Dimensions that the formats hold, channels not counted."""


class FileGrid(NamedTuple):
    """A volume's grid in a file's order: x, y[, z[, and what is not space]].

    Attributes
    ----------
    size : tuple of int
        Voxels along each dimension.
    spacing, origin : tuple of float
        In mm along the dimensions of space, in their own units along the others.
    direction : array
        (n, n) matrix whose columns are the directions of the dimensions.
    space : int
        How many dimensions are of space: 3, or 2 without a patient position.
    others : tuple of Axis
        What the remaining dimensions are.
    channels : int
        Numbers of one voxel.
    notes : tuple of str
        What the file does not hold.
    """

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    space: int
    others: tuple[Axis, ...]
    channels: int
    notes: tuple[str, ...]


def file_grid(volume: Volume) -> FileGrid:
    """Return the grid to write.

    Raises
    ------
    CannotWrite
        Where it is sheared, or has more dimensions than the formats hold.
    """
    geometry = volume.geometry
    if geometry is not None and geometry.is_sheared:
        raise CannotWrite(
            f"{volume.name}: its axes are not at right angles (a tilted gantry), which image "
            "files cannot hold. Straighten it first: Layers > Transform > Resample, "
            "to the patient's axes."
        )
    grid = volume.shape[len(volume.leading) :]
    space = len(grid) if geometry is None else geometry.ndim
    channel = channel_axis(volume)
    colours = volume.data.shape[-1] if volume.rgb else 1
    channels = colours if channel is None else volume.data.shape[channel]
    if volume.rgb and channel is not None:
        raise CannotWrite(f"{volume.name}: a colour image with channels cannot be written.")
    others = tuple(axis for axis in volume.leading if axis.label != CHANNEL)[::-1]
    lengths = [n for n, a in zip(volume.shape, volume.leading, strict=False) if a.label != CHANNEL][
        ::-1
    ]
    if len(grid) != space or space not in (2, 3) or space + len(others) > _MOST:
        raise CannotWrite(
            f"{volume.name}: it has {volume.ndim} axes ({', '.join(volume.axis_labels)}), which "
            "is more than the format holds. Write parts of it."
        )
    if geometry is None:
        geometry = Geometry(grid, np.eye(space + 1)[[*range(space)[::-1], space]])
    size, spacing, origin, axes = geometry.itk
    direction = np.eye(space + len(others))
    direction[:space, :space] = np.reshape(axes, (space, space))
    notes = [
        f"The values of the axis {axis.label} ({len(axis.values)}) were not written."
        for axis in others
        if not _told_by_steps(axis)
    ]
    if volume.geometry is None and space == 3:
        notes.append("No spacing is known: files of three dimensions are taken to have 1 mm.")
    if volume.geometry is None and volume.pixel_size != (1.0, 1.0):
        notes.append("The ratio of a pixel's height and width was not written.")
    return FileGrid(
        (*size, *lengths),
        (*spacing, *(axis.step for axis in others)),
        (*origin, *(0.0 for _ in others)),
        direction,
        space,
        others,
        channels,
        tuple(notes),
    )


def _told_by_steps(axis: Axis) -> bool:
    """Tell whether an axis's values are no more than its steps counted from the first."""
    try:
        values = np.array(axis.values, dtype=float)
        counted = axis.step * np.arange(len(values))
        return bool(np.allclose(values, counted, rtol=1e-6, atol=1e-6 * axis.step))
    except (TypeError, ValueError):  # names, vectors
        return False
