"""The one image that stands for a volume, the way round napari shows it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.contrast_limits import estimate_limits, make_drawable_limits
from napari_medread.core.volume import Volume


class AcquisitionPlane(NamedTuple):
    """The axes of a volume's array that its slices show, and along which they are stacked.

    Attributes
    ----------
    down, across : int
        The array axes drawn down and to the right.
    through : int or None
        That of the slices; None for a single image.
    """

    down: int
    across: int
    through: int | None


class Thumbnail(NamedTuple):
    """An image as it is seen.

    Attributes
    ----------
    pixels : uint8 array
        Shape (rows, columns) in grey, or (rows, columns, 3).
    height, width : float
        How large it is, in a unit that both share.
    """

    pixels: NDArray[np.uint8]
    height: float
    width: float


def find_acquisition_plane(volume: Volume) -> AcquisitionPlane:
    """Return the plane in which a volume was acquired.

    The grid's axes are in world order: superior to inferior, anterior to posterior, right to
    left. napari draws the earlier of two axes down and the later to the right, which is how
    a reading room shows the axial, the coronal and the sagittal plane.
    """
    first = len(volume.leading)
    axes = [*range(first, volume.ndim)]
    through = None
    if len(axes) == 3:
        slice_axis = 0 if volume.geometry is None else volume.geometry.slice_axis
        through = axes.pop(slice_axis)
    down, across = axes
    return AcquisitionPlane(down, across, through)


def make_thumbnail(volume: Volume) -> Thumbnail:
    """Return the middle slice of a volume, at the first index of its leading axes.

    Reads no more of a lazy volume than that slice. Its grey levels are those of the
    volume's contrast limits.

    Raises
    ------
    UnreadableFile
        Where that slice cannot be decoded.
    """
    down, across, through = find_acquisition_plane(volume)
    index: list[Any] = [0] * len(volume.leading) + [slice(None)] * (
        volume.ndim - len(volume.leading)
    )
    if through is not None:
        index[through] = volume.shape[through] // 2
    values = np.asarray(volume.data[tuple(index)])
    spacing, flips = volume.pixel_size, (1, 1)
    if volume.geometry is not None:
        placed, first = volume.geometry.world_transform(), len(volume.leading)
        spacing = placed.scale[down - first], placed.scale[across - first]
        flips = placed.flips[down - first], placed.flips[across - first]
    values = values[:: flips[0], :: flips[1]]
    rows, columns = values.shape[:2]
    return Thumbnail(_drawn(values, volume), rows * spacing[0], columns * spacing[1])


def _drawn(values: NDArray[Any], volume: Volume) -> NDArray[np.uint8]:
    """Return values as what a screen shows."""
    if volume.rgb:
        values = values[..., :3]
        if values.dtype.kind == "u":
            return np.asarray(values >> 8 * (values.dtype.itemsize - 1), np.uint8)
        low, high = 0.0, 1.0
    elif volume.labels:
        low, high = make_drawable_limits(0.0, float(values.max(initial=1)))
    else:
        low, high = volume.contrast_limits or estimate_limits(values)
    with np.errstate(invalid="ignore", over="ignore"):
        grey = np.nan_to_num((values.astype(np.float64) - low) / (high - low), posinf=1, neginf=0)
    grey = np.clip(grey, 0, 1)
    if volume.inverted:
        grey = 1 - grey
    return np.asarray(np.rint(grey * 255), np.uint8)


def fit_into_square(picture: Thumbnail, side: int) -> tuple[int, int]:
    """Return the height and width of a picture in a square of pixels, its shape kept."""
    if not (math.isfinite(picture.height) and math.isfinite(picture.width)):
        return side, side
    longest = max(picture.height, picture.width)
    height, width = (max(1, round(side * n / longest)) for n in (picture.height, picture.width))
    return height, width
