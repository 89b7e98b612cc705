"""The thumbnail of a volume: its middle slice, oriented as napari displays it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.contrast_limits import make_drawable_limits
from napari_medread.core.object_limits import find_object_limits
from napari_medread.core.volume import Volume


class AcquisitionPlane(NamedTuple):
    """The plane in which a volume was acquired, as array axes.

    Attributes
    ----------
    down, right : int
        The array axes displayed downwards and to the right.
    stacked : int or None
        The array axis along which the slices are stacked; None for a single image.
    """

    down: int
    right: int
    stacked: int | None


class Thumbnail(NamedTuple):
    """An image with its displayed size.

    Attributes
    ----------
    pixels : uint8 array
        Shape (rows, columns) for grey, or (rows, columns, 3) for colour.
    height, width : float
        Displayed size, both in the same unit.
    """

    pixels: NDArray[np.uint8]
    height: float
    width: float


def find_acquisition_plane(volume: Volume) -> AcquisitionPlane:
    """Return the plane in which a volume was acquired.

    The axes of the grid are in world order: superior to inferior, anterior to posterior, right to
    left. napari displays the earlier of two axes downwards and the later to the right, which is
    how a reading room displays the axial, the coronal and the sagittal plane.
    """
    axes = [*range(len(volume.leading), volume.ndim)]
    stacked = None
    if len(axes) == 3:
        stacked = axes.pop(0 if volume.geometry is None else volume.geometry.slice_axis)
    down, right = axes
    return AcquisitionPlane(down, right, stacked)


def make_thumbnail(volume: Volume) -> Thumbnail:
    """Return the middle slice of a volume, at the middle index of its leading axes.

    Of a lazy volume only that slice is read. Grey levels follow the contrast limits of the
    volume.

    Raises
    ------
    UnreadableFile
        If that slice cannot be decoded.
    """
    down, right, stacked = find_acquisition_plane(volume)
    lead = len(volume.leading)
    index: list[Any] = [n // 2 for n in volume.shape[:lead]]
    index += [slice(None)] * (volume.ndim - lead)
    if stacked is not None:
        index[stacked] = volume.shape[stacked] // 2
    values = np.asarray(volume.data[tuple(index)])
    spacing, flips = volume.pixel_size, (1, 1)
    if volume.geometry is not None:
        transform, first = volume.geometry.world_transform(), len(volume.leading)
        spacing = transform.scale[down - first], transform.scale[right - first]
        flips = transform.flips[down - first], transform.flips[right - first]
    values = values[:: flips[0], :: flips[1]]
    rows, columns = values.shape[:2]
    return Thumbnail(_to_display_values(values, volume), rows * spacing[0], columns * spacing[1])


def _to_display_values(values: NDArray[Any], volume: Volume) -> NDArray[np.uint8]:
    """Return the values of a slice as grey levels or colours of the screen, 0 to 255."""
    if volume.rgb:
        values = values[..., :3]
        if values.dtype.kind == "u":
            return np.asarray(values >> 8 * (values.dtype.itemsize - 1), np.uint8)
        low, high = 0.0, 1.0
    elif volume.labels:
        low, high = make_drawable_limits(0.0, float(values.max(initial=1)))
    else:
        low, high = volume.contrast_limits or find_object_limits(values).whole
    with np.errstate(invalid="ignore", over="ignore"):
        grey = np.nan_to_num((values.astype(np.float64) - low) / (high - low), posinf=1, neginf=0)
    grey = np.clip(grey, 0, 1)
    if volume.is_drawn_inverted:
        grey = 1 - grey
    return np.asarray(np.rint(grey * 255), np.uint8)


def fit_into_square(picture: Thumbnail, side: int) -> tuple[int, int]:
    """Return the height and width at which a picture fills a square, keeping its aspect ratio.

    Parameters
    ----------
    picture : Thumbnail
    side : int
        Side of the square in pixels.
    """
    if not (math.isfinite(picture.height) and math.isfinite(picture.width)):
        return side, side
    longest = max(picture.height, picture.width)
    height, width = (max(1, round(side * n / longest)) for n in (picture.height, picture.width))
    return height, width
