"""How a volume is cut into DICOM images: which axis is stacked, and where every slice lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.valuerep import format_number_as_ds

from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Volume
from napari_medread.errors import CannotWrite

Float = NDArray[np.float64]

_RIGHT = 1e-4
"""Directions whose cosine is smaller are at right angles for everybody who reads them ..."""

_ROUNDED = 2e-3
"""... and up to this, they were before they were rounded to three digits."""

_SAME = 1e-6
"""Places in mm that differ by less are the same."""

_DECIMALS = 12
"""Directions and millimetres that differ by less than these decimals differ by rounding."""


@dataclass(frozen=True, eq=False)
class SliceGeometry:
    """Where slices lie in the patient (PS3.3 C.7.6.2).

    Attributes
    ----------
    orientation : (2, 3) array
        Unit vectors along a row and down a column.
    positions : (n, 3) array
        The centre of every slice's first pixel, in LPS mm.
    pixel_spacing : tuple of float
        In mm, between rows and between columns.
    spacing : float
        Between slices in mm, along their normal.
    """

    orientation: Float
    positions: Float
    pixel_spacing: tuple[float, float]
    spacing: float

    @property
    def letters(self) -> list[str]:
        """To which side of the patient rows and columns go (PS3.3 C.7.6.1.1.1)."""
        nearest = np.abs(self.orientation).argmax(axis=1)
        return [
            "LPHRAF"[axis + (3 if along[axis] < 0 else 0)]
            for axis, along in zip(nearest, self.orientation, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class SlicedVolume:
    """A volume as images.

    Attributes
    ----------
    data : array
        Shape (*leading, slice, row, column[, colour]): a view, nothing is read.
    slices : int
        How many there are at every point of the leading axes.
    place : Place or None
        None without a place in the patient: there is one slice.
    pixel_size : tuple of float or None
        In mm, how high and wide pixels without a place are, if that is known.
    notes : tuple of str
        What the images cannot hold.
    """

    data: Any
    slices: int
    place: SliceGeometry | None = None
    pixel_size: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


def slice_volume(volume: Volume) -> SlicedVolume:
    """Cut a volume along the axis of its slices; rows and columns keep their order.

    Positions need not be at right angles to the slices, so a tilted gantry is kept. A mirrored
    grid needs nothing either: slices may follow one another on either side of the first.

    Raises
    ------
    CannotWrite
        Where no two axes are at right angles, or the grid has neither two axes nor three.
    """
    lead = len(volume.leading)
    grid = volume.ndim - lead
    if grid == 2:
        return _flat(volume, lead)
    if volume.geometry is None or grid != 3:
        raise CannotWrite(
            f"{volume.name}: it has {volume.ndim} axes ({', '.join(volume.axis_labels)}), and "
            "no place in the patient: DICOM cannot hold it. Write its images one by one."
        )
    axis = _slice_axis(volume, volume.geometry)
    row, column = (n for n in range(3) if n != axis)
    order = [*range(lead), *(lead + n for n in (axis, row, column))]
    data = volume.data.transpose([*order, volume.data.ndim - 1] if volume.rgb else order)
    affine = volume.geometry.affine[:3]
    rows, columns = volume.geometry.shape[row], volume.geometry.shape[column]
    lengths = np.linalg.norm(affine[:, :3], axis=0)
    orientation = (affine[:, [column, row]] / lengths[[column, row]]).T
    straight = _straightened(orientation)
    # Turned about the middle of the image, as little as possible is moved.
    halves = np.array([(columns - 1) * lengths[column], (rows - 1) * lengths[row]]) / 2
    moved = halves @ (orientation - straight)
    off = float(halves @ np.linalg.norm(orientation - straight, axis=1))
    notes = (f"The directions are rounded: pixels were moved by up to {off:.2g} mm.",)
    positions = affine[:, 3] + moved + np.outer(np.arange(data.shape[lead]), affine[:, axis])
    spacing = abs(float(affine[:, axis] @ np.cross(*straight)))
    pixel_spacing = float(lengths[row]), float(lengths[column])
    place = SliceGeometry(straight, positions, pixel_spacing, spacing)
    return SlicedVolume(data, data.shape[lead], place, notes=notes if off > _SAME else ())


def _flat(volume: Volume, lead: int) -> SlicedVolume:
    """Return an image without a place in the patient, the way round that it is looked at."""
    data = volume.data[(slice(None),) * lead + (None,)]
    if volume.geometry is None:
        return SlicedVolume(data, 1)
    spacing = np.array(volume.geometry.spacing)
    axes = volume.geometry.affine[:2, :2] / spacing
    down, along = (slice(None, None, -1 if axes[n] < 0 else 1) for n in ((1, 0), (0, 1)))
    data = data[(..., down, along) + (slice(None),) * volume.rgb]
    is_upright = np.allclose(np.abs(axes), [[0, 1], [1, 0]], atol=_SAME)
    notes = [] if is_upright else ["The image is turned, which was not written."]
    if not is_upright or np.abs(volume.geometry.affine[:2, 2]).max() > _SAME:
        notes.append("Where the two-dimensional image lies was not written.")
    pixel_size = float(spacing[0]), float(spacing[1])
    return SlicedVolume(data, 1, pixel_size=pixel_size, notes=tuple(notes))


def _straightened(pair: Float) -> Float:
    """Turn two unit vectors towards or from one another until they are at right angles."""
    if abs(pair[0] @ pair[1]) <= _RIGHT:
        return pair
    halves = np.array([pair[0] + pair[1], pair[0] - pair[1]])
    halves /= np.linalg.norm(halves, axis=1)[:, None] * np.sqrt(2)
    return np.array([halves[0] + halves[1], halves[0] - halves[1]])


def _slice_axis(volume: Volume, geometry: Geometry) -> int:
    """Return the axis to stack along: its own, unless the other two are not at right angles."""
    unit = geometry.affine[:3, :3] / np.linalg.norm(geometry.affine[:3, :3], axis=0)
    for axis in sorted(range(3), key=lambda n: n != geometry.slice_axis):
        row, column = (n for n in range(3) if n != axis)
        if abs(unit[:, row] @ unit[:, column]) <= _ROUNDED:
            return axis
    raise CannotWrite(
        f"{volume.name}: no two of its axes are at right angles, which DICOM images cannot hold. "
        "Straighten it first: Layers > Transform > Resample, to the patient's axes."
    )


def format_decimal(number: float) -> str:
    """Spell a number in the at most 16 characters of a decimal string (PS3.5 VR DS)."""
    return format_number_as_ds(float(number) + 0.0)


def format_millimetres(numbers: ArrayLike) -> list[str]:
    """Spell positions, directions or sizes, zeros as such where rounding left almost nothing."""
    return [format_decimal(n) for n in np.round(np.asarray(numbers, float), _DECIMALS).ravel()]
