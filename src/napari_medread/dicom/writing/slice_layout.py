"""How a volume is cut into DICOM images: the axis that is stacked, and where every slice lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Volume
from napari_medread.errors import CannotWrite

Float = NDArray[np.float64]

MAX_RIGHT_ANGLE_COSINE = 1e-4
"""Directions whose cosine is smaller are at right angles for every reader ..."""

MAX_ROUNDED_COSINE = 2e-3
"""... and up to this they were at right angles before they were rounded to three digits."""

SAME_POSITION_TOLERANCE_MM = 1e-6
"""Positions that differ by less than this many mm are equal."""


@dataclass(frozen=True, eq=False)
class SliceGeometry:
    """Where slices lie in patient space (PS3.3 C.7.6.2).

    Attributes
    ----------
    orientation : (2, 3) array
        Unit vectors along a row and down a column.
    positions : (n, 3) array
        The centre of every slice's first pixel, in LPS mm.
    pixel_spacing : tuple of float
        In mm, between rows and between columns.
    slice_spacing : float
        In mm between slices, along their normal.
    """

    orientation: Float
    positions: Float
    pixel_spacing: tuple[float, float]
    slice_spacing: float

    @property
    def patient_orientation(self) -> list[str]:
        """To which side of the patient rows and columns go (PS3.3 C.7.6.1.1.1)."""
        nearest = np.abs(self.orientation).argmax(axis=1)
        return [
            "LPHRAF"[axis + (3 if direction[axis] < 0 else 0)]
            for axis, direction in zip(nearest, self.orientation, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class SlicedVolume:
    """A volume cut into images.

    Attributes
    ----------
    data : array
        Shape (*leading, slice, row, column[, colour]): a view, nothing is read.
    slice_count : int
        Number of slices at every point of the leading axes.
    geometry : SliceGeometry or None
        None for an image without a patient position: there is one slice.
    pixel_size : tuple of float or None
        Height and width in mm of pixels without a patient position, if known.
    notes : tuple of str
        What the images cannot hold.
    """

    data: Any
    slice_count: int
    geometry: SliceGeometry | None = None
    pixel_size: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


def slice_volume(volume: Volume) -> SlicedVolume:
    """Cut a volume along the axis of its slices; rows and columns keep their order.

    Slices may be sheared against one another, so a tilted gantry is kept. A mirrored grid needs
    nothing either: slices may follow one another on either side of the first.

    Raises
    ------
    CannotWrite
        Where no two axes are at right angles, or the grid has neither two axes nor three.
    """
    leading_count = len(volume.leading)
    grid_ndim = volume.ndim - leading_count
    if grid_ndim == 2:
        return _slice_unpositioned(volume, leading_count)
    if volume.geometry is None or grid_ndim != 3:
        raise CannotWrite(
            f"{volume.name}: it has {volume.ndim} axes ({', '.join(volume.axis_labels)}) and "
            "no patient position, which DICOM cannot hold. Write its images one by one."
        )
    axis = _find_slice_axis(volume, volume.geometry)
    row, column = (n for n in range(3) if n != axis)
    order = [*range(leading_count), *(leading_count + n for n in (axis, row, column))]
    data = volume.data.transpose([*order, volume.data.ndim - 1] if volume.rgb else order)
    affine = volume.geometry.affine[:3]
    rows, columns = volume.geometry.shape[row], volume.geometry.shape[column]
    lengths = np.linalg.norm(affine[:, :3], axis=0)
    directions = (affine[:, [column, row]] / lengths[[column, row]]).T
    orientation = _turn_to_right_angle(directions)
    # Turning about the centre of the image moves its pixels as little as possible.
    half_sizes = np.array([(columns - 1) * lengths[column], (rows - 1) * lengths[row]]) / 2
    shift = half_sizes @ (directions - orientation)
    error = float(half_sizes @ np.linalg.norm(directions - orientation, axis=1))
    notes = (f"The axes are not quite at right angles: pixels were moved by up to {error:.2g} mm.",)
    positions = (
        affine[:, 3] + shift + np.outer(np.arange(data.shape[leading_count]), affine[:, axis])
    )
    slice_spacing = abs(float(affine[:, axis] @ np.cross(*orientation)))
    pixel_spacing = float(lengths[row]), float(lengths[column])
    geometry = SliceGeometry(orientation, positions, pixel_spacing, slice_spacing)
    is_exact = error <= SAME_POSITION_TOLERANCE_MM
    return SlicedVolume(data, data.shape[leading_count], geometry, notes=() if is_exact else notes)


def _slice_unpositioned(volume: Volume, leading_count: int) -> SlicedVolume:
    """Return an image without a patient position, flipped as it is displayed."""
    data = volume.data[(slice(None),) * leading_count + (None,)]
    if volume.geometry is None:
        return SlicedVolume(data, 1)
    spacing = np.array(volume.geometry.spacing)
    directions = volume.geometry.affine[:2, :2] / spacing
    down, across = (slice(None, None, -1 if directions[n] < 0 else 1) for n in ((1, 0), (0, 1)))
    data = data[(..., down, across) + (slice(None),) * volume.rgb]
    tolerance = SAME_POSITION_TOLERANCE_MM
    is_upright = np.allclose(np.abs(directions), [[0, 1], [1, 0]], atol=tolerance)
    notes = [] if is_upright else ["The rotation of the image was not written."]
    if not is_upright or np.abs(volume.geometry.affine[:2, 2]).max() > tolerance:
        notes.append("The position of the two-dimensional image was not written.")
    pixel_size = float(spacing[0]), float(spacing[1])
    return SlicedVolume(data, 1, pixel_size=pixel_size, notes=tuple(notes))


def _turn_to_right_angle(pair: Float) -> Float:
    """Turn two unit vectors, (2, 3), by equal angles until they are at right angles."""
    if abs(pair[0] @ pair[1]) <= MAX_RIGHT_ANGLE_COSINE:
        return pair
    # Sum and difference of two unit vectors are at right angles: they are the diagonals.
    diagonals = np.array([pair[0] + pair[1], pair[0] - pair[1]])
    diagonals /= np.linalg.norm(diagonals, axis=1)[:, None] * np.sqrt(2)
    return np.array([diagonals[0] + diagonals[1], diagonals[0] - diagonals[1]])


def _find_slice_axis(volume: Volume, geometry: Geometry) -> int:
    """Return the axis to stack along: its own, unless the other two are not at right angles."""
    unit = geometry.affine[:3, :3] / np.linalg.norm(geometry.affine[:3, :3], axis=0)
    for axis in sorted(range(3), key=lambda n: n != geometry.slice_axis):
        row, column = (n for n in range(3) if n != axis)
        if abs(unit[:, row] @ unit[:, column]) <= MAX_ROUNDED_COSINE:
            return axis
    raise CannotWrite(
        f"{volume.name}: no two of its axes are at right angles, as DICOM images need. "
        "Straighten it first: Layers > Transform > Resample, to the patient's axes."
    )
