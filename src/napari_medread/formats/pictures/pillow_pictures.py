"""Reads pictures that Pillow decodes: JPEG, PNG, BMP and GIF."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import Base as Exif

from napari_medread.core.geometry import Geometry
from napari_medread.core.opening_window import OpeningWindow, choose_array_window
from napari_medread.core.volume import NO_PIXEL_SIZE, Axis, Volume

MM_PER_INCH = 25.4

DEFAULT_SCREEN_DPI = (72.0, 96.0)
"""Densities that programs write by default; they do not give the size of the pixels."""

_DPI_TOLERANCE = 0.05
"""In dpi: default densities are rounded to whole dots per metre or centimetre."""

_DISPLAY_MODES = {"CMYK": "RGB", "LA": "RGBA", "La": "RGBA", "PA": "RGBA", "RGBa": "RGBA"}
"""Pillow mode that napari cannot display, to the mode that is used for it."""

_SWAPPING_ORIENTATIONS = (5, 6, 7, 8)
"""Values of the EXIF tag Orientation that swap rows and columns."""


def read_pillow_picture(path: Path) -> Volume:
    """Read a JPEG, PNG, BMP or GIF.

    A photograph is rotated by its EXIF tag. The frames of an animation are a leading axis,
    ``time`` in s if all of them have the same duration.
    """
    with Image.open(path) as image:
        # The further images of a photograph (MPO) are previews, depth maps or stereo images.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        modes, durations = _find_modes_and_durations(image, frames)
        spacing = _read_png_spacing(image) if image.format == "PNG" else None
        has_palette = image.mode == "P"
        is_16_bit_colour = (
            image.format == "PNG" and _read_png_bit_depth(path) == 16 and len(image.getbands()) > 1
        )
    if is_16_bit_colour:  # Pillow reduces it to 8 bits
        data = sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="PNGImageIO"))
        return make_picture_volume(data, path, spacing)
    mode = modes.pop() if len(modes) == 1 else "RGBA"
    leading: tuple[Axis, ...] = ()
    if frames == 1:
        data = iio.imread(path, plugin="pillow", index=0, mode=mode, rotate=True)
    else:
        data = np.stack(list(iio.imiter(path, plugin="pillow", mode=mode)))
        duration = durations.pop() if len(durations) == 1 else None
        leading = (Axis("time", "s", duration / 1000) if duration else Axis("frame"),)
    if has_palette and mode == "RGB" and (data == data[..., :1]).all():
        data = data[..., 0]  # a palette of grey values, as ultrasound machines write
    return make_picture_volume(data, path, spacing, leading)


def make_picture_volume(
    data: NDArray[Any],
    path: Path,
    spacing: tuple[float, float] | None,
    leading: tuple[Axis, ...] = (),
    *,
    inverted: bool = False,
    notes: tuple[str, ...] = (),
) -> Volume:
    """Make the volume of a picture, which has no patient position.

    Parameters
    ----------
    data : array
        Shape ``(*leading, rows, columns)``, with a last axis of 3 or 4 if it is colour.
    path : Path
        The file.
    spacing : tuple of float or None
        Distance in mm between rows and between columns; None if it is not known.
    leading : tuple of Axis
        The axes before the rows.
    inverted : bool
        Whether high values are displayed dark.
    notes : tuple of str
        Sentences about the picture for the user.
    """
    rgb = data.ndim == len(leading) + 3
    if data.dtype == bool:
        data = data.astype(np.uint8)
    data = data.astype(data.dtype.newbyteorder("="), copy=False)
    rows, columns = data.shape[len(leading) : len(leading) + 2]
    geometry = None
    if spacing is None:
        notes = (*notes, NO_PIXEL_SIZE)
    else:
        geometry = Geometry.from_itk((columns, rows), spacing[::-1], (0.0, 0.0), (1, 0, 0, 1))
    opening = None if rgb else _choose_window(data)
    return Volume(
        data,
        path.stem,
        geometry,
        leading,
        rgb=rgb,
        contrast_limits=None if opening is None else opening.limits,
        inverted=inverted,
        source=(path,),
        notes=notes if opening is None else (*notes, *opening.notes),
        proposed_windows=() if opening is None else opening.proposed,
    )


def validate_pixel_size(row: float, column: float) -> tuple[float, float] | None:
    """Return a pixel size in mm, or None if it is invalid or a default density."""
    if not (math.isfinite(row) and math.isfinite(column) and row > 0 and column > 0):
        return None
    dpi = MM_PER_INCH / row
    if row == column and any(abs(dpi - screen) < _DPI_TOLERANCE for screen in DEFAULT_SCREEN_DPI):
        return None
    return row, column


def _find_modes_and_durations(
    image: Image.Image, frames: int
) -> tuple[set[str], set[float | None]]:
    """Return the display modes of the frames, and their durations in ms."""
    modes, durations = set(), set()
    for n in range(frames):
        image.seek(n)
        mode = image.mode
        if mode == "P":
            mode = "RGBA" if "transparency" in image.info else "RGB"
        modes.add(_DISPLAY_MODES.get(mode, mode))
        durations.add(image.info.get("duration"))
    image.seek(0)
    return modes, durations


def _read_png_bit_depth(path: Path) -> int:
    """Return the bits per sample of a PNG, its byte 24 (PNG 11.2.2, IHDR)."""
    with path.open("rb") as file:
        return file.read(25)[24]


def _read_png_spacing(image: Image.Image) -> tuple[float, float] | None:
    """Return the distance in mm of rows and of columns, from the pHYs chunk (PNG 11.3.4.3)."""
    dpi = image.info.get("dpi")  # Pillow sets it only if the unit is the metre
    if not dpi or not all(dpi):
        return None
    column, row = (MM_PER_INCH / float(density) for density in dpi)
    if image.getexif().get(Exif.Orientation) in _SWAPPING_ORIENTATIONS:
        row, column = column, row
    return validate_pixel_size(row, column)


def _choose_window(data: NDArray[Any]) -> OpeningWindow:
    """Return the full range for 8-bit pictures, as picture viewers do, else a proposed window."""
    if data.dtype == np.uint8 and data.max() > 1:
        return OpeningWindow((0.0, 255.0))
    return choose_array_window(data)
