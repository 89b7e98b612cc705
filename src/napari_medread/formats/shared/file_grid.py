"""The grid of a file: what a volume's axes are where all of them are just numbered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.core.voxel_blocks import CHANNEL, channel_axis
from napari_medread.errors import CannotWrite

SLICE = "slice"
"""Label of the third axis of an image without a patient position."""

FRAME = "frame"
"""Label of an axis of which the file does not say what it is."""

LEADING_AXES = "LeadingAxes"
"""Our own key: what the dimensions after those of space are, last dimension first.

``LeadingAxes = time 2.5 s; echo 1.0 pixel``: label, step and unit of each.
"""

LABEL_MAP = "LabelMap"
"""Our own key: that the values are the numbers of regions, where a format has no word for it."""

_LEADING_AXIS = re.compile(r"(\S.*) (\d+\.?\d*(?:e[-+]?\d+)?) (\S+)", re.ASCII)

_UNITS = ("pixel", "mm", "s", "ms", "Hz", "ppm", "rad/s")
"""Units that an axis which is not of space may have."""

_OF_A_PATIENT = re.compile(r"\(?0010[|,_]|patient", re.IGNORECASE)
"""Keys that converters copy from DICOM: the patient group by number or by name."""

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


def spelled_axes(axes: Sequence[Axis]) -> str:
    """Return the value of ``LeadingAxes`` for axes in the order of the array."""
    return "; ".join(
        f"{axis.label.replace(';', ',')} {float(axis.step)!r} {axis.unit}" for axis in axes
    )


def read_axes(text: str) -> tuple[Axis, ...]:
    """Return what a value of ``LeadingAxes`` says, passing over what it cannot mean."""
    axes = []
    for each in text.split(";"):
        match = _LEADING_AXIS.fullmatch(each.strip())
        if match and float(match[2]) > 0 and match[3] in _UNITS:
            axes.append(Axis(match[1], match[3], float(match[2])))
    return tuple(axes)


def without_patient(
    keys: Mapping[str, str], *, keep_patient: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the keys of a header that name no patient, and a note on how many did.

    Parameters
    ----------
    keys : mapping
        All keys.
    keep_patient : bool
        Whether to keep them all.
    """
    naming = [key for key in keys if _OF_A_PATIENT.search(key)]
    if keep_patient or not naming:
        return dict(keys), ()
    kept = {key: value for key, value in keys.items() if key not in naming}
    return kept, (f"Keys about the patient were left out of the header ({len(naming)}).",)
