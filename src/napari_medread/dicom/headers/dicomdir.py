"""The files that a DICOMDIR references (PS3.10 8, PS3.3 F)."""

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

_DIRECTORY_RECORD_SEQUENCE = 0x00041220

MAX_NAMED_FILES = 3
"""Number of referenced files that a sentence names; of others it gives the number."""


def is_dicomdir(path: Path) -> bool:
    """Return whether a path is a DICOMDIR, by MediaStorageSOPClassUID of its meta information."""
    if not (path.is_file() and is_dicom(path)):
        return False
    try:
        with tolerant_pydicom:
            meta = pydicom.filereader.read_file_meta_info(path)
    # pydicom raises many types of error for missing or broken meta information.
    except Exception:  # noqa: BLE001
        return False
    return attributes.get_text(meta, "MediaStorageSOPClassUID") == MediaStorageDirectoryStorage


def find_referenced_files(path: Path) -> tuple[list[Path], list[str]]:
    """Return the files that a DICOMDIR references.

    Names are compared without regard to case, as media often change it. Files outside the
    DICOMDIR's own folder are left out, also if a link leads to them.

    Returns
    -------
    files : list of Path
        Existing files, each once, in the order of the directory records.
    skipped : list of str
        One sentence about missing files and one about files outside the folder.

    Raises
    ------
    UnreadableFile
        If the DICOMDIR cannot be parsed, or references no files.
    """
    records = _read_records(path)
    root = path.parent.resolve()
    listings: dict[Path, dict[str, str]] = {}
    files: list[Path] = []
    missing: list[str] = []
    outside: list[str] = []
    for record in records:
        parts = attributes.get_texts(record, "ReferencedFileID")
        if not parts:
            continue
        if any(part in ("", ".", "..") or "/" in part or "\\" in part for part in parts):
            outside.append("/".join(parts))
            continue
        file = _find_file(path.parent, parts, listings)
        if file is None:
            missing.append("/".join(parts))
        elif file.resolve().is_relative_to(root):
            files.append(file)
        else:
            outside.append("/".join(parts))
    if not (files or missing or outside):
        raise UnreadableFile(f"{path.name}: it references no images.")
    skipped = [
        f"{path.name}: {_format_count(names)} {problem}: {_join_first(names)}."
        for names, problem in ((missing, "missing"), (outside, "outside its folder"))
        if names
    ]
    return list(dict.fromkeys(files)), skipped


def _read_records(path: Path) -> list[Dataset]:
    """Return all directory records of a DICOMDIR in the order of the file."""
    try:
        dataset = read_elements(path, frozenset([_DIRECTORY_RECORD_SEQUENCE])).dataset
        return attributes.get_items(dataset, "DirectoryRecordSequence")
    except TruncatedFile:
        reason = "the file ends too early"
    except (OSError, zlib.error, struct.error) as error:
        reason = str(error)
    raise UnreadableFile(
        f"{path.name}: the directory is broken ({reason}). Open its folder instead."
    )


def _format_count(names: Sequence[str]) -> str:
    return f"{len(names)} referenced {'file is' if len(names) == 1 else 'files are'}"


def _join_first(names: Sequence[str]) -> str:
    """Return the first ``MAX_NAMED_FILES`` names as a list, and how many more there are."""
    more = len(names) - MAX_NAMED_FILES
    return ", ".join(names[:MAX_NAMED_FILES]) + (f" and {more} more" if more > 0 else "")


def _find_file(
    folder: Path, parts: tuple[str, ...], listings: dict[Path, dict[str, str]]
) -> Path | None:
    """Return the file of a ReferencedFileID below a folder, or None if it does not exist.

    Parameters
    ----------
    folder : Path
        The folder of the DICOMDIR.
    parts : tuple of str
        The names of folders and file, which media may have changed.
    listings : dict
        The names in each folder by their normalised form; folders are added as they are read.
    """
    for part in parts:
        if folder not in listings:
            try:
                names = sorted(os.listdir(folder), reverse=True)  # noqa: PTH208
            except OSError:
                return None
            normalised = {_normalise_name(name): name for name in names}
            listings[folder] = normalised | {name: name for name in names}
        name = listings[folder].get(part) or listings[folder].get(_normalise_name(part))
        if name is None:
            return None
        folder = folder / name
    return folder if folder.is_file() else None


def _normalise_name(name: str) -> str:
    """Return a name in lower case, without the version and the dot that ISO 9660 appends."""
    return name.lower().removesuffix(";1").removesuffix(".")
