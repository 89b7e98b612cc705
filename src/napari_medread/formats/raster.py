"""Pictures, read by imageio: JPEG, PNG, BMP, GIF and TIFF."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_medread.core import display
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.errors import UnreadableFile

MM_PER_INCH = 25.4

SCREEN_DPI = (72.0, 96.0)
"""Densities that programs write when they know none: the screens of old, not a scale."""

_UNIT_MM = {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "m": 1000.0, "inch": MM_PER_INCH,
            "micron": 1e-3, "um": 1e-3, "µm": 1e-3, "\\u00b5m": 1e-3, "nm": 1e-6}  # fmt: skip
_TIFF_UNIT_MM = {2: MM_PER_INCH, 3: 10.0}  # ResolutionUnit: inch, centimetre (TIFF 6.0)


def read(path: Path) -> list[Volume]:
    """Read a picture: grey, RGB or RGBA, 8 or 16 bits, several frames or pages as a stack.

    Returns
    -------
    list of Volume
        One. Its pixels have a size in mm where a TIFF or PNG says so in earnest.

    Raises
    ------
    UnreadableFile
        Where imageio cannot read it.
    """
    try:
        return [_tiff(path) if path.suffix.lower() in (".tif", ".tiff") else _picture(path)]
    # imageio's readers raise many kinds for broken files; all of them mean "unreadable".
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableFile(f"{path.name}: this picture cannot be read ({reason}).") from error


def read_standard(uri: str) -> list[Volume]:
    """Read one of imageio's standard pictures, such as ``imageio:chelsea.png``.

    It is fetched from the internet the first time and then kept on this computer.

    Raises
    ------
    UnreadableFile
        Where there is no picture of that name, or it cannot be fetched.
    """
    name = uri.split(":", 1)[1].lstrip("/")
    try:
        data = iio.imread(f"imageio:{name}")
    except Exception as error:
        raise UnreadableFile(
            f"imageio:{name} could not be fetched. Check the name and the internet connection."
        ) from error
    return [_volume(data, Path(name).stem, None, (), ())]


def _picture(path: Path) -> Volume:
    with Image.open(path) as image:
        frames = getattr(image, "n_frames", 1)
        spacing = _png_spacing(image) if image.format == "PNG" else None
        deep = image.format == "PNG" and image.mode.startswith("RGB") and _png_depth(path) == 16
        alpha = image.mode in ("LA", "La") or (image.mode == "P" and "transparency" in image.info)
        duration = _seconds(image, frames)
    if deep:
        raise ValueError("PNG colour of 16 bits loses half of them; save it as TIFF")
    options: dict[str, Any] = {"mode": "RGBA"} if alpha and frames == 1 else {}
    # Photographs may be stored on their side, with a tag that says so.
    options |= {"rotate": True} if frames == 1 else {"index": ...}
    data = iio.imread(path, plugin="pillow", **options)
    leading: tuple[Axis, ...] = ()
    if frames > 1:
        leading = (Axis("time", "s", duration) if duration else Axis("frame"),)
    return _volume(data, path.stem, spacing, leading, (path,))


def _seconds(image: Image.Image, frames: int) -> float | None:
    """Return the time of a frame of an animation, where all take equally long."""
    found = set()
    for n in range(frames if frames > 1 else 0):
        image.seek(n)
        found.add(image.info.get("duration"))
    image.seek(0)
    (only, *others) = found or {None}
    return float(only) / 1000 if only and not others else None


def _png_depth(path: Path) -> int:
    """Return the bits of a PNG's samples: the byte at 24 (PNG 11.2.2, IHDR)."""
    with path.open("rb") as file:
        return file.read(25)[24]


def _png_spacing(image: Image.Image) -> tuple[float, float] | None:
    """Return mm between rows and between columns from the pHYs chunk (PNG 11.3.4.3)."""
    found = image.info.get("dpi")  # Pillow gives it only where the unit is the metre
    if not found:
        return None
    return _in_earnest(MM_PER_INCH / float(found[1]), MM_PER_INCH / float(found[0]))


def _in_earnest(row: float, column: float) -> tuple[float, float] | None:
    """Return a pixel size unless it is nonsense, or a screen's default density."""
    if not (math.isfinite(row) and math.isfinite(column) and row > 0 and column > 0):
        return None
    dpi = MM_PER_INCH / row
    if row == column and any(abs(dpi - screen) < 0.05 for screen in SCREEN_DPI):
        return None
    return row, column


def _tiff(path: Path) -> Volume:
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        axes = series.axes
        samples = series.shape[axes.index("S")] if "S" in axes else 1
        spacing, step = _tiff_spacing(file)
    data = np.asarray(iio.imread(path, plugin="tifffile", index=0))
    if "S" in axes and axes[-1] != "S":  # planes of colour one after the other
        data = np.moveaxis(data, axes.index("S"), -1)
        axes = axes.replace("S", "") + "S"
    if samples not in (1, 3, 4) or (samples > 1 and data.dtype not in (np.uint8, np.uint16)):
        data = np.moveaxis(data, -1, 0)
        axes = "S" + axes.replace("S", "")
    grid = axes.replace("S", "") if axes.endswith("S") else axes
    names = {"Z": "slice", "T": "time", "C": "channel", "S": "channel"}
    leading = tuple(
        Axis("slice", "mm", step) if letter == "Z" and step else Axis(names.get(letter, "page"))
        for letter in grid[:-2]
    )
    return _volume(data, path.stem, spacing, leading, (path,))


def _tiff_spacing(file: tifffile.TiffFile) -> tuple[tuple[float, float] | None, float | None]:
    """Return mm between rows and columns, and between slices of an ImageJ stack."""
    tags = file.pages.first.tags
    per_unit = []
    for name in ("YResolution", "XResolution"):
        tag = tags.get(name)
        if tag is None or not tag.value[0] or not tag.value[1]:
            return None, None
        per_unit.append(tag.value[0] / tag.value[1])
    imagej = file.imagej_metadata or {}
    unit = _UNIT_MM.get(str(imagej.get("unit", "")).lower())
    if unit is not None:  # ImageJ counts pixels per its own unit, whatever the tag says
        step = imagej.get("spacing")
        return (unit / per_unit[0], unit / per_unit[1]), float(step) * unit if step else None
    tag = tags.get("ResolutionUnit")
    unit = _TIFF_UNIT_MM.get(int(tag.value)) if tag is not None else None
    if unit is None or imagej:
        return None, None
    return _in_earnest(unit / per_unit[0], unit / per_unit[1]), None


def _volume(
    data: NDArray[Any],
    name: str,
    spacing: tuple[float, float] | None,
    leading: tuple[Axis, ...],
    source: tuple[Path, ...],
) -> Volume:
    rgb = data.ndim - len(leading) == 3 and data.shape[-1] in (3, 4)
    if data.dtype == bool:
        data = data.astype(np.uint8)
    rows, columns = data.shape[len(leading) : len(leading) + 2]
    geometry = None
    if spacing is not None:
        geometry = Geometry.from_itk((columns, rows), spacing[::-1], (0.0, 0.0), (1, 0, 0, 1))
    limits = None if rgb else _limits(data)
    return Volume(data, name, geometry, leading, rgb=rgb, contrast_limits=limits, source=source)


def _limits(data: NDArray[Any]) -> tuple[float, float]:
    """Return the full range at 8 bits, as picture viewers show it, else percentiles."""
    if data.dtype == np.uint8 and data.max() > 1:
        return 0.0, 255.0
    return display.percentile_limits(display.sample(data))
