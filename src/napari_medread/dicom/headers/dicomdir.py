"""DICOMDIR: the files that it references (PS3.10 8, PS3.3 F)."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.element_reader import TruncatedFile, read_elements
from napari_medread.dicom.headers.file_discovery import is_dicom
from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom
from napari_medread.errors import UnreadableFile

_RECORDS = 0x00041220
"""DirectoryRecordSequence."""

MAX_NAMED_FILES = 3
"""So many missing files are named."""


def is_dicomdir(path: Path) -> bool:
    """Tell whether a file is a DICOMDIR, by the class its meta information names."""
    if not (path.is_file() and is_dicom(path)):
        return False
    try:
        with tolerant_pydicom:
            meta = pydicom.filereader.read_file_meta_info(path)
    # pydicom raises many kinds for files without or with broken meta information.
    except Exception:  # noqa: BLE001
        return False
    return attributes.get_text(meta, "MediaStorageSOPClassUID") == MediaStorageDirectoryStorage


def find_referenced_files(path: Path) -> tuple[list[Path], list[str]]:
    """Return the files that a DICOMDIR references, and sentences on those that are not there.

    Names are compared without regard to case, as media often change it. Nothing outside
    the DICOMDIR's own folder is returned.

    Raises
    ------
    UnreadableFile
        Where it cannot be parsed, or references nothing.
    """
    records = _records(path)
    root = path.parent.resolve()
    listings: dict[Path, dict[str, str]] = {}
    found: list[Path] = []
    missing: list[str] = []
    outside: list[str] = []
    for record in records:
        parts = attributes.get_texts(record, "ReferencedFileID")
        if not parts:
            continue
        if any(part in ("", ".", "..") or "/" in part or "\\" in part for part in parts):
            outside.append("/".join(parts))
            continue
        file = _resolve(path.parent, parts, listings)
        if file is None:
            missing.append("/".join(parts))
        elif file.resolve().is_relative_to(root):
            found.append(file)
        else:
            outside.append("/".join(parts))
    if not (found or missing or outside):
        raise UnreadableFile(f"{path.name}: it references no images.")
    skipped = [
        f"{path.name}: {_count(names)} {what}: {_in_short(names)}."
        for names, what in ((missing, "missing"), (outside, "outside its folder"))
        if names
    ]
    return list(dict.fromkeys(found)), skipped


def _records(path: Path) -> list[Dataset]:
    """Return the directory's records, all in one row."""
    try:
        dataset = read_elements(path, frozenset([_RECORDS])).dataset
        return attributes.get_items(dataset, "DirectoryRecordSequence")
    except TruncatedFile:
        reason = "the file ends too early"
    except (OSError, zlib.error, struct.error) as error:
        reason = str(error)
    raise UnreadableFile(f"{path.name}: the directory is broken ({reason}): open its folder.")


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} referenced {'file is' if len(names) == 1 else 'files are'}"


def _in_short(names: Sequence[str]) -> str:
    """Join names, the first few of many."""
    more = len(names) - MAX_NAMED_FILES
    return ", ".join(names[:MAX_NAMED_FILES]) + (f" and {more} more" if more > 0 else "")


def _resolve(
    folder: Path, parts: tuple[str, ...], listings: dict[Path, dict[str, str]]
) -> Path | None:
    """Find a file by its folders and name as media change them."""
    for part in parts:
        if folder not in listings:
            try:
                names = sorted(os.listdir(folder), reverse=True)  # noqa: PTH208
            except OSError:
                return None
            listings[folder] = {_plain(name): name for name in names} | {n: n for n in names}
        name = listings[folder].get(part) or listings[folder].get(_plain(part))
        if name is None:
            return None
        folder = folder / name
    return folder if folder.is_file() else None


def _plain(name: str) -> str:
    """Return a name without what ISO 9660 adds, a version and a dot, in lower case."""
    return name.lower().removesuffix(";1").removesuffix(".")
