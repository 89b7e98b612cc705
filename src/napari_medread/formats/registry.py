"""Which module reads a path: by name alone, importing nothing before it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from napari_medread.core.progress import Track
from napari_medread.core.volume import Volume

_READERS = {
    "metaimage": (".mhd", ".mha"),
    "raster": (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff"),
}
"""Module of this package to the suffixes that it reads."""

VOLUMETRIC = ("metaimage",)
"""Formats that are opened from a folder even beside DICOM; pictures there are decoration."""

IMAGEIO_SCHEME = "imageio:"
"""Start of the names of imageio's standard pictures, as in ``imageio:chelsea.png``."""


def format_of(path: Path) -> str | None:
    """Return the name of the format that a file's suffix promises, or None."""
    suffix = path.suffix.lower()
    return next((name for name, suffixes in _READERS.items() if suffix in suffixes), None)


def reader_of(name: str) -> Callable[[Path, Track], list[Volume]]:
    """Return the function that reads a file of a format, given what tracks its progress."""
    module = importlib.import_module(f"{__package__}.{name}")
    read: Callable[[Path, Track], list[Volume]] = module.read
    return read
