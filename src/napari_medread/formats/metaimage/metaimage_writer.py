"""Writes MetaImage: ``.mha``, or ``.mhd`` and a file of data beside it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.atomic_files import Draft, Written, drafts, replacing
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.core.voxel_blocks import read_blocks, stored_type
from napari_medread.errors import UnreadableFile
from napari_medread.formats.metaimage.metaimage_header import ELEMENT_TYPES, read_header
from napari_medread.formats.shared.file_grid import (
    LEADING_AXES,
    FileGrid,
    file_grid,
    spelled_axes,
    without_patient,
)
from napari_medread.formats.shared.stored_voxels import write_stored

_WRITTEN_HERE = frozenset(
    ("ObjectType", "NDims", "BinaryData", "BinaryDataByteOrderMSB", "ElementByteOrderMSB",
     "CompressedData", "CompressedDataSize", "CompressionLevel", "HeaderSize", "DimSize",
     "ElementSpacing", "ElementSize", "Offset", "Position", "Origin", "ImagePosition",
     "TransformMatrix", "Rotation", "Orientation", "ElementType", "ElementNumberOfChannels",
     "ElementMin", "ElementMax", "ElementDataFile", "Modality", LEADING_AXES)
)  # fmt: skip
"""Keys that say how the file is written; those of the file that was read no longer hold."""

_ABOUT_GEOMETRY = frozenset(("AnatomicalOrientation", "CenterOfRotation"))
"""Keys that hold only as long as the geometry is that of the file that was read."""

_MODALITIES = ("CT", "MR", "NM", "US")
"""Modalities that MetaIO has a name for."""


def write(
    path: Path,
    volume: Volume,
    *,
    compress: bool = False,
    keep_patient: bool = False,
    progress: Progress = no_progress,
) -> Written:
    """Write a MetaImage.

    Parameters
    ----------
    path : Path
        Its header, ``.mhd``, or all of it, ``.mha``.
    volume : Volume
        Up to four dimensions, and channels or colour. Keys of the header that it was read
        with are written again, unless they no longer hold.
    compress : bool
        Whether to pack the data (zlib); beside an ``.mhd`` they are then in a ``.zraw``.
    keep_patient : bool
        Whether keys that name the patient are written again too.
    progress : Progress
        Reports progress, and stops.

    Returns
    -------
    Written
        The header, and the file of data.

    Raises
    ------
    CannotWrite
        Where it cannot be written; what was there before is still there.
    """
    grid = file_grid(volume)
    dtype, notes = stored_type(volume)
    kept, dropped = _kept(volume, grid, keep_patient=keep_patient)
    notes = (*notes, *grid.notes, *dropped)
    keys = _keys(volume, grid, dtype, compress=compress) | kept
    pieces = read_blocks(volume, dtype, progress)
    if path.suffix.lower() == ".mha":
        _write_local(path, keys, pieces, compress=compress)
        return Written((path,), notes)
    return Written((path, _write_apart(path, keys, pieces, compress=compress)), notes)


def _write_local(
    path: Path, keys: dict[str, str], pieces: Iterator[NDArray[Any]], *, compress: bool
) -> None:
    """Write header and data into one file."""
    with replacing(path) as file:
        if compress:  # the size is known only once the data are there, but comes before them
            keys["CompressedDataSize"] = f"{0:<20}"
        file.write(_text(keys, "LOCAL"))
        start = file.tell()
        write_stored(file, pieces, zlib.MAX_WBITS if compress else None)
        if compress:
            keys["CompressedDataSize"] = f"{file.tell() - start:<20}"
            file.seek(0)
            file.write(_text(keys, "LOCAL"))


def _write_apart(
    path: Path, keys: dict[str, str], pieces: Iterator[NDArray[Any]], *, compress: bool
) -> Path:
    """Write a header and its file of data; at no moment does a header name another's data.

    The data come first under a name that no header knows. The header that takes the
    old one's place names it. Only then, with no header left that names the old data, do the
    new ones take their name too, and the header with it comes last.
    """
    wanted = path.with_suffix(".zraw" if compress else ".raw")
    old = _data_of(path)
    if wanted.exists() and wanted not in old:  # of another header, which goes on naming it
        wanted = _free(wanted)
    with drafts(path) as made:
        data = Draft(path)
        made.append(data)
        write_stored(data.file, pieces, zlib.MAX_WBITS if compress else None)
        if compress:
            keys["CompressedDataSize"] = str(data.file.tell())
        first = _free(wanted) if wanted.exists() else wanted
        header = Draft(path)
        made.append(header)
        header.file.write(_text(keys, first.name))
        data.publish(first)
        try:
            header.publish(path)
        except BaseException:
            first.unlink()
            raise
    if first != wanted:
        with suppress(OSError):  # a second name for the same file; some disks have none
            _rename_data(path, keys, first, wanted)
            first = wanted
    for left in old - {first}:
        with suppress(OSError):
            left.unlink()
    return first


def _rename_data(path: Path, keys: Mapping[str, str], first: Path, wanted: Path) -> None:
    """Give the data their usual name in place of older ones, and then the header with it."""
    second = _free(first)
    second.hardlink_to(first)
    try:
        second.replace(wanted)
    except OSError:
        second.unlink()
        raise
    header = Draft(path)
    try:
        header.file.write(_text(keys, wanted.name))
        header.publish(path)
    finally:
        header.discard()
    first.unlink()


def _data_of(path: Path) -> set[Path]:
    """Return the file of data that an older header of this name alone uses, if it has one."""
    with suppress(UnreadableFile):
        target = read_header(path).keys["ElementDataFile"]
        if target in (path.with_suffix(s).name for s in (".raw", ".zraw")):
            return {path.with_name(target)}
    return set()


def _free(path: Path) -> Path:
    """Return a path like this one where nothing is."""
    n = 2
    while (found := path.with_stem(f"{path.stem}-{n}")).exists():
        n += 1
    return found


def _text(keys: Mapping[str, str], data_file: str) -> bytes:
    lines = [f"{key} = {value}\n" for key, value in keys.items()]
    return "".join([*lines, f"ElementDataFile = {data_file}\n"]).encode()


def _keys(
    volume: Volume, grid: FileGrid, dtype: np.dtype[Any], *, compress: bool
) -> dict[str, str]:
    """Return the keys that describe the file, in the order that MetaIO writes them."""
    keys = {
        "ObjectType": "Image",
        "NDims": str(len(grid.size)),
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": str(compress),
        "TransformMatrix": _numbers(grid.direction.T.ravel()),
        "Offset": _numbers(grid.origin),
    }
    if volume.geometry is not None:  # without it, sizes stay in pixels
        keys["ElementSpacing"] = _numbers(grid.spacing)
    keys["DimSize"] = " ".join(map(str, grid.size))
    if volume.modality in _MODALITIES:
        keys["Modality"] = f"MET_MOD_{volume.modality}"
    if grid.others:
        keys[LEADING_AXES] = spelled_axes(grid.others[::-1])
    if grid.channels > 1:
        keys["ElementNumberOfChannels"] = str(grid.channels)
    keys["ElementType"] = ELEMENT_TYPES[dtype.newbyteorder("=")]
    return keys


def _kept(
    volume: Volume, grid: FileGrid, *, keep_patient: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the keys of the file that was read which still hold, and what was left out."""
    if not volume.source or volume.source[0].suffix.lower() not in (".mhd", ".mha"):
        return {}, ()
    keys = {key: value for key, value in volume.header.items() if key not in _WRITTEN_HERE}
    if volume.header.get("Modality", "").removeprefix("MET_MOD_") not in _MODALITIES:
        keys |= {key: value for key, value in volume.header.items() if key == "Modality"}
    if not _same_direction(volume.header, grid):
        keys = {key: value for key, value in keys.items() if key not in _ABOUT_GEOMETRY}
    return without_patient(keys, keep_patient=keep_patient)


def _same_direction(header: Mapping[str, str], grid: FileGrid) -> bool:
    """Tell whether axes lie as in the header that was read."""
    names = ("TransformMatrix", "Rotation", "Orientation")
    given = next((header[name] for name in names if name in header), None)
    old: NDArray[Any] = np.eye(len(grid.size))
    if given is not None:
        old = np.array([float(word) for word in given.split()])
    return old.size == grid.direction.size and np.allclose(
        old.ravel(), grid.direction.T.ravel(), atol=1e-6
    )


def _numbers(values: Sequence[float] | NDArray[np.float64]) -> str:
    """Spell numbers so that they are read as exactly the same."""
    return " ".join(np.format_float_positional(v, trim="-") for v in values)
