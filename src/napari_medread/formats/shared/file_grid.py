"""The grid of a volume in the axis order of files: x, y, z, then all further dimensions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.core.voxel_blocks import CHANNEL_LABEL, find_channel_axis
from napari_medread.errors import CannotWrite

SLICE_LABEL = "slice"
"""Label of the third axis of an image without a patient position."""

FRAME_LABEL = "frame"
"""Label of a leading axis whose meaning the file does not give."""

LEADING_AXES_KEY = "LeadingAxes"
"""Key of this project: label, step and unit of each dimension after the spatial ones.

The last dimension comes first, as in ``LeadingAxes = time 2.5 s; echo 1.0 pixel``.
"""

LABEL_MAP_KEY = "LabelMap"
"""Key of this project that marks a label map in formats that have no field for it."""

_LEADING_AXIS = re.compile(r"(\S.*) (\d+\.?\d*(?:e[-+]?\d+)?) (\S+)", re.ASCII)

_LEADING_AXIS_UNITS = ("pixel", "mm", "s", "ms", "Hz", "ppm", "rad/s")
"""Units that are accepted in ``LeadingAxes``."""

_PATIENT_KEY = re.compile(r"\(?0010[|,_]|patient", re.IGNORECASE)
"""Keys copied from DICOM's patient group (0010) by converters, as a tag or as a keyword."""

_MAX_DIMENSIONS = 4
"""Largest number of dimensions that are written, without channels."""


class FileGrid(NamedTuple):
    """The grid of a volume in file order: x, y[, z[, further dimensions]].

    Attributes
    ----------
    size : tuple of int
        Number of voxels along each dimension.
    spacing, origin : tuple of float
        In mm for the spatial dimensions, in the units of ``others`` for the further ones.
    direction : array
        (n, n) matrix whose columns are the unit vectors of the dimensions.
    spatial_ndim : int
        Number of spatial dimensions: 3, or 2 without a patient position.
    others : tuple of Axis
        The further dimensions, in file order.
    channels : int
        Number of values of one voxel.
    notes : tuple of str
        Sentences about what the file cannot hold.
    """

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    spatial_ndim: int
    others: tuple[Axis, ...]
    channels: int
    notes: tuple[str, ...]


def to_file_grid(volume: Volume) -> FileGrid:
    """Return the grid of a volume in file order.

    Raises
    ------
    CannotWrite
        If the grid is sheared, or has more dimensions than the formats hold.
    """
    geometry = volume.geometry
    if geometry is not None and geometry.is_sheared:
        raise CannotWrite(
            f"{volume.name}: its axes are not at right angles (a tilted gantry), which image "
            "files cannot hold. Straighten it first: Layers > Transform > Resample, "
            "to the patient's axes."
        )
    grid_shape = volume.shape[len(volume.leading) :]
    spatial_ndim = len(grid_shape) if geometry is None else geometry.ndim
    channel = find_channel_axis(volume)
    colours = volume.data.shape[-1] if volume.rgb else 1
    channels = colours if channel is None else volume.data.shape[channel]
    if volume.rgb and channel is not None:
        raise CannotWrite(f"{volume.name}: a colour image with channels cannot be written.")
    others = tuple(axis for axis in volume.leading if axis.label != CHANNEL_LABEL)[::-1]
    lengths = [
        n for n, a in zip(volume.shape, volume.leading, strict=False) if a.label != CHANNEL_LABEL
    ][::-1]
    if (
        len(grid_shape) != spatial_ndim
        or spatial_ndim not in (2, 3)
        or spatial_ndim + len(others) > _MAX_DIMENSIONS
    ):
        raise CannotWrite(
            f"{volume.name}: it has {volume.ndim} axes ({', '.join(volume.axis_labels)}), which "
            "is more than the format can hold. Save parts of it."
        )
    if geometry is None:
        geometry = Geometry(
            grid_shape, np.eye(spatial_ndim + 1)[[*range(spatial_ndim)[::-1], spatial_ndim]]
        )
    size, spacing, origin, axes = geometry.itk
    direction = np.eye(spatial_ndim + len(others))
    direction[:spatial_ndim, :spatial_ndim] = np.reshape(axes, (spatial_ndim, spatial_ndim))
    notes = [
        f"The values of the axis {axis.label} ({len(axis.values)}) were not written."
        for axis in others
        if not _is_evenly_stepped(axis)
    ]
    if volume.geometry is None and spatial_ndim == 3:
        notes.append("No spacing is known: other programs will assume 1 mm.")
    if volume.geometry is None and volume.pixel_size != (1.0, 1.0):
        notes.append("The ratio of the height and width of a pixel was not written.")
    return FileGrid(
        (*size, *lengths),
        (*spacing, *(axis.step for axis in others)),
        (*origin, *(0.0 for _ in others)),
        direction,
        spatial_ndim,
        others,
        channels,
        tuple(notes),
    )


def _is_evenly_stepped(axis: Axis) -> bool:
    """Return whether the values of an axis are its step times the index."""
    try:
        values = np.array(axis.values, dtype=float)
        multiples = axis.step * np.arange(len(values))
        return bool(np.allclose(values, multiples, rtol=1e-6, atol=1e-6 * axis.step))
    except (TypeError, ValueError):  # names or vectors
        return False


def format_leading_axes(axes: Sequence[Axis]) -> str:
    """Return the value of ``LeadingAxes`` for axes in array order."""
    return "; ".join(
        f"{axis.label.replace(';', ',')} {float(axis.step)!r} {axis.unit}" for axis in axes
    )


def parse_leading_axes(text: str) -> tuple[Axis, ...]:
    """Return the axes that a value of ``LeadingAxes`` lists, without invalid entries."""
    axes = []
    for entry in text.split(";"):
        match = _LEADING_AXIS.fullmatch(entry.strip())
        if match and float(match[2]) > 0 and match[3] in _LEADING_AXIS_UNITS:
            axes.append(Axis(match[1], match[3], float(match[2])))
    return tuple(axes)


def remove_patient_keys(
    keys: Mapping[str, str], *, keep_patient: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the keys of a header that do not identify the patient, and a note on the others.

    Parameters
    ----------
    keys : mapping
        All keys of a header.
    keep_patient : bool
        Whether to return all keys, and no note.
    """
    patient_keys = [key for key in keys if _PATIENT_KEY.search(key)]
    if keep_patient or not patient_keys:
        return dict(keys), ()
    kept = {key: value for key, value in keys.items() if key not in patient_keys}
    return kept, (f"Keys about the patient were left out of the header ({len(patient_keys)}).",)
