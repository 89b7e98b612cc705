"""Finding DICOM files: folders to paths, and which files are DICOM by their first bytes."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from napari_medread.errors import UnreadableFile

DICOM_SUFFIXES = (".dcm", ".dicom", ".dic", ".ima")
"""Suffixes of DICOM files. Content decides what is read; with one of these, a file that is not
DICOM is reported instead of ignored."""

DICOM_WRITE_SUFFIX = DICOM_SUFFIXES[0]
"""Suffix of the DICOM files that are written."""

_DIRECTORY_FILE_NAMES = ("dicomdir", "dirfile")
"""File names of DICOM media directories, in lower case and without a suffix."""

_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")
"""First bytes of a dataset without a preamble: group 0002 or 0008, in either byte order."""


def is_dicom(path: Path) -> bool:
    """Return whether a file starts as a DICOM file (PS3.10 7.1) or as a bare dataset.

    A bare dataset is only recognised by its first element; whether it holds an image is known
    once its header is read. A file that cannot be opened is not DICOM.
    """
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError:
        return False
    return start[128:] == b"DICM" or _starts_as_dataset(start)


def _starts_as_dataset(start: bytes) -> bool:
    """Return whether bytes begin with a plausible first element of group 0002 or 0008."""
    if len(start) < 12 or start[:2] not in _FIRST_GROUPS:
        return False
    is_little_endian = start[0] != 0
    element, length = struct.unpack("<HL" if is_little_endian else ">HL", start[2:8])
    is_explicit = start[4:6].isalpha() and start[4:6].isupper()
    # In implicit VR the length follows the tag, and a real first value is short.
    return element <= 0x00FF and (is_explicit or length < 1024)


def make_open_error(path: Path, error: OSError) -> UnreadableFile:
    """Return the error for a file or folder that the operating system does not open."""
    return UnreadableFile(f"{path.name}: cannot be opened ({error.strerror}).")


def make_missing_file_error(path: Path) -> UnreadableFile:
    """Return the error for a file that existed when its layer was opened and no longer does."""
    return UnreadableFile(
        f"{path.name}: the file has been moved or deleted. Open its folder again."
    )


def get_path_kind(path: Path) -> str:
    """Return ``"folder"`` or ``"file"`` for a path; empty where nothing exists there.

    Raises
    ------
    UnreadableFile
        If the operating system does not allow access to the path.
    """
    try:
        return "folder" if path.is_dir() else "file" if path.exists() else ""
    except OSError as error:
        raise make_open_error(path, error) from error


def check_openable(path: Path) -> None:
    """Raise ``UnreadableFile``, with the operating system's reason, if a file cannot be opened."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise make_open_error(path, error) from error


def is_ignored_file(path: Path) -> bool:
    """Return whether a file found in a folder is ignored for its name: hidden, or a DICOMDIR."""
    return path.name.startswith(".") or path.stem.lower() in _DIRECTORY_FILE_NAMES


def walk_files(folder: Path, on_error: Callable[[OSError], object] | None = None) -> Iterator[Path]:
    """Yield every file below a folder, sorted by name within each folder.

    Links are followed; each real folder is visited once, so links that form a circle end.

    Parameters
    ----------
    folder : Path
        The folder to start from.
    on_error : callable, optional
        Called with the operating system's error for each folder that cannot be opened.
    """
    visited: set[str] = set()
    for root, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        real = os.path.realpath(root)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root, name)
            if not is_ignored_file(path) and _may_be_file(path):
                yield path


def _may_be_file(path: Path) -> bool:
    """Return whether a path is a file, or cannot be examined."""
    try:
        return path.is_file()
    except OSError:  # reading it raises an error that gives the reason
        return True
