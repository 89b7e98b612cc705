"""DICOMDIR: the files that it references (PS3.10 8, PS3.3 F)."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pydicom
from pydicom.uid import MediaStorageDirectoryStorage

from napari_medread.dicom import values
from napari_medread.dicom.scan import is_dicom
from napari_medread.errors import UnreadableFile


def is_directory_file(path: Path) -> bool:
    """Tell whether a file is a DICOMDIR, by the class its meta information names."""
    if not (path.is_file() and is_dicom(path)):
        return False
    try:
        meta = pydicom.filereader.read_file_meta_info(path)
    # pydicom raises many kinds for files without or with broken meta information.
    except Exception:  # noqa: BLE001
        return False
    return values.text(meta, "MediaStorageSOPClassUID") == MediaStorageDirectoryStorage


def referenced_files(path: Path) -> tuple[list[Path], list[str]]:
    """Return the files that a DICOMDIR references, and sentences on those that are not there.

    Names are compared without regard to case, as media often change it. Nothing outside
    the DICOMDIR's own folder is returned.

    Raises
    ------
    UnreadableFile
        Where it cannot be parsed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            records = values.items(pydicom.dcmread(path), "DirectoryRecordSequence")
    except Exception as error:
        raise UnreadableFile(f"{path.name}: the directory is broken ({error}).") from error
    root = path.parent.resolve()
    listings: dict[Path, dict[str, str]] = {}
    found: list[Path] = []
    missing = outside = 0
    for record in records:
        parts = values.texts(record, "ReferencedFileID")
        if not parts:
            continue
        if any(part in ("", ".", "..") or "/" in part or "\\" in part for part in parts):
            outside += 1
            continue
        file = _resolve(path.parent, parts, listings)
        if file is None:
            missing += 1
        elif file.resolve().is_relative_to(root):
            found.append(file)
        else:
            outside += 1
    skipped = []
    if missing:
        skipped.append(f"{path.name}: {missing} of the files it references are missing.")
    if outside:
        skipped.append(f"{path.name}: {outside} of the files it references are outside its folder.")
    return found, skipped


def _resolve(
    folder: Path, parts: tuple[str, ...], listings: dict[Path, dict[str, str]]
) -> Path | None:
    """Find a file by its folders and name in any case."""
    for part in parts:
        if folder not in listings:
            try:
                listings[folder] = {name.lower(): name for name in os.listdir(folder)}  # noqa: PTH208
            except OSError:
                return None
        # Some media append a version to every name, as in ``IM0001;1``.
        name = listings[folder].get(part.lower()) or listings[folder].get(f"{part.lower()};1")
        if name is None:
            return None
        folder = folder / name
    return folder if folder.is_file() else None
