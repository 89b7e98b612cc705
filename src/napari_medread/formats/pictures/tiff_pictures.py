"""Reads TIFF pictures: all pages of one size as a stack, with their pixel size."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import tifffile
from numpy.typing import NDArray
from tifffile import COMPRESSION, PHOTOMETRIC

from napari_medread.core.volume import Axis, Volume
from napari_medread.errors import UnreadableFile
from napari_medread.formats.pictures.pillow_pictures import (
    MM_PER_INCH,
    make_picture_volume,
    validate_pixel_size,
)

_MM_PER_UNIT = {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "m": 1000.0, "inch": MM_PER_INCH,
            "micron": 1e-3, "um": 1e-3, "µm": 1e-3, "\\u00b5m": 1e-3, "nm": 1e-6}  # fmt: skip
"""Unit of an ImageJ file to its length in mm."""

_MM_PER_RESOLUTION_UNIT = {2: MM_PER_INCH, 3: 10.0}
"""ResolutionUnit, inch or centimetre, to its length in mm (TIFF 6.0, page 38)."""

_AXIS_LABELS = {"Z": "slice", "T": "time", "C": "channel", "S": "channel"}
"""tifffile's letter for an axis to its label; all others are ``page``."""


def read_tiff(path: Path) -> Volume:
    """Read the first series of a TIFF: all pages of its size and type.

    Three or four samples of RGB are colour; other samples are a leading axis ``channel``. A
    palette is applied. High values are displayed dark if 0 is white in the file.
    """
    with tifffile.TiffFile(path) as file:
        if not file.series or not file.series[0].size:
            raise UnreadableFile(f"{path.name}: this TIFF holds no picture, or is truncated.")
        series, n_others = file.series[0], len(file.series) - 1
        spacing, step = _read_spacing(file)
        data, axes = _decode_series(path, series), series.axes
        photometric = series.keyframe.photometric
        if photometric == PHOTOMETRIC.PALETTE and series.keyframe.colormap is not None:
            colours = (series.keyframe.colormap >> 8).astype(np.uint8)  # stored in 16 bits
            data, axes = colours.T[data], axes + "S"
            photometric = PHOTOMETRIC.RGB
    is_colour_image = (
        photometric in (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR)
        and "S" in axes
        and data.shape[axes.index("S")] in (3, 4)
        and data.dtype in (np.uint8, np.uint16)
    )
    plane = "YXS" if is_colour_image else "YX"
    leading = sorted((a for a in axes if a not in plane), key=lambda a: a != "S")
    others = "Another picture" if n_others == 1 else f"{n_others} other pictures"
    notes = [
        f"{others} in the file {'has' if n_others == 1 else 'have'} a different size: not opened."
    ]
    return make_picture_volume(
        data.transpose([axes.index(a) for a in (*leading, *plane)]),
        path,
        spacing,
        tuple(
            Axis("slice", "mm", step) if a == "Z" and step else Axis(_AXIS_LABELS.get(a, "page"))
            for a in leading
        ),
        inverted=photometric == PHOTOMETRIC.MINISWHITE,
        notes=tuple(notes if n_others else ()),
    )


def _decode_series(path: Path, series: tifffile.TiffPageSeries) -> NDArray[Any]:
    """Decode a series with tifffile, or with Pillow where tifffile needs another package."""
    try:
        return np.asarray(series.asarray())
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        missing = error
    page = series.keyframe
    mode = "P" if page.photometric == PHOTOMETRIC.PALETTE else None
    try:
        pages = np.stack(list(iio.imiter(path, plugin="pillow", mode=mode)))
        # Pillow reduces 16-bit colour to 8 bits, and reorders separate colour planes.
        if (pages.shape[1:], pages.dtype) != (page.shape, series.dtype.newbyteorder("=")):
            raise missing
        data = pages.reshape(series.shape)
    except (OSError, ValueError, RuntimeError):
        compression = COMPRESSION(page.compression).name
        raise UnreadableFile(
            f"{path.name}: its {compression} compression needs another package: "
            "pip install imagecodecs."
        ) from missing
    # Pillow always makes 0 black.
    return np.invert(data) if page.photometric == PHOTOMETRIC.MINISWHITE else data


def _read_spacing(file: tifffile.TiffFile) -> tuple[tuple[float, float] | None, float | None]:
    """Return the distance in mm of rows and columns, and of the slices of an ImageJ stack."""
    tags = file.pages.first.tags
    per_unit = []
    for name in ("YResolution", "XResolution"):
        tag = tags.get(name)
        if tag is None or not all(tag.value):
            return None, None
        per_unit.append(tag.value[0] / tag.value[1])
    imagej = file.imagej_metadata or {}
    unit = _MM_PER_UNIT.get(str(imagej.get("unit", "")).lower())
    if unit is not None:  # ImageJ stores pixels per its own unit and ignores ResolutionUnit
        step = abs(float(imagej.get("spacing", 0))) * unit
        return (unit / per_unit[0], unit / per_unit[1]), step if 0 < step < math.inf else None
    tag = tags.get("ResolutionUnit")
    unit = _MM_PER_RESOLUTION_UNIT.get(int(tag.value)) if tag is not None else None
    if unit is None or imagej:
        return None, None
    return validate_pixel_size(unit / per_unit[0], unit / per_unit[1]), None
