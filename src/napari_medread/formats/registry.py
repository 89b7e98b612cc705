"""Which module reads a path: by name alone, importing nothing before it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from napari_medread.core.atomic_files import Written
from napari_medread.core.progress import Progress
from napari_medread.core.volume import Volume


class Writer(Protocol):
    """Writes one volume to one file."""

    def __call__(
        self,
        path: Path,
        volume: Volume,
        *,
        compress: bool,
        keep_patient: bool,
        progress: Progress,
    ) -> Written:
        """Write it, or raise ``CannotWrite`` and leave all as it was."""


_READERS = {
    "metaimage.metaimage_reader": (".mhd", ".mha"),
    "nifti.nifti_reader": (".nii", ".nii.gz"),
    "nrrd.nrrd_reader": (".nrrd", ".nhdr"),
    "others.mgh": (".mgh", ".mgz"),
    "others.gipl": (".gipl", ".gipl.gz"),
    "others.vtk": (".vtk",),
    "pictures.picture_reader": (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff"),
}
"""Module of this package to the suffixes that it reads."""

_SUFFIXES = {suffix: name for name, suffixes in _READERS.items() for suffix in suffixes}
"""Suffix to the module of this package that reads it."""

VOLUMETRIC = (
    "metaimage.metaimage_reader",
    "nifti.nifti_reader",
    "nrrd.nrrd_reader",
    "others.mgh",
    "others.gipl",
    "others.vtk",
)
"""Formats that are opened from a folder even beside DICOM; pictures there are decoration."""

_WRITERS = {
    ".mhd": "metaimage.metaimage_writer",
    ".mha": "metaimage.metaimage_writer",
    ".nii": "nifti.nifti_writer",
    ".nii.gz": "nifti.nifti_writer",
    ".nrrd": "nrrd.nrrd_writer",
}
"""Suffix to the module of this package that writes it."""

WRITABLE = (*_WRITERS,)
"""Suffixes of the files that can be written."""

IMAGEIO_SCHEME = "imageio:"
"""Start of the names of imageio's standard pictures, as in ``imageio:chelsea.png``."""


def format_of(path: Path) -> str | None:
    """Return the name of the format that a file's suffix promises, or None."""
    suffix = _suffix_of(path, _SUFFIXES)
    return None if suffix is None else _SUFFIXES[suffix]


def name_of(path: Path) -> str:
    """Return the name of a file without the suffix that says its format."""
    return path.name[: -len(_suffix_of(path, _SUFFIXES) or "") or None]


def written_suffix(path: Path) -> str | None:
    """Return the suffix of a path that says how to write it, in small letters, or None."""
    return _suffix_of(path, _WRITERS)


def _suffix_of(path: Path, suffixes: Iterable[str]) -> str | None:
    """Return the longest of some suffixes that a name has, with something before it."""
    name = path.name.lower()
    found = [s for s in suffixes if name.endswith(s) and name != s]
    return max(found, key=len, default=None)


def writer_of(suffix: str) -> Writer:
    """Return the function that writes files of a suffix."""
    module = importlib.import_module(f"{__package__}.{_WRITERS[suffix]}")
    write: Writer = module.write
    return write


def reader_of(name: str) -> Callable[[Path, Progress], list[Volume]]:
    """Return the function that reads a file of a format, given what tracks its progress."""
    module = importlib.import_module(f"{__package__}.{name}")
    read: Callable[[Path, Progress], list[Volume]] = module.read
    return read
