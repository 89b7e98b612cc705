"""Writes MetaImage: one ``.mha`` file, or an ``.mhd`` header and a data file."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.atomic_files import DraftFile, WrittenFiles, open_atomic_file, open_drafts
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.core.voxel_blocks import find_stored_type, read_blocks
from napari_medread.errors import UnreadableFile
from napari_medread.formats.metaimage.metaimage_header import ELEMENT_TYPES, read_metaimage_header
from napari_medread.formats.shared.file_grid import (
    LABEL_MAP_KEY,
    LEADING_AXES_KEY,
    FileGrid,
    format_leading_axes,
    remove_patient_keys,
    to_file_grid,
)
from napari_medread.formats.shared.stored_voxels import write_stored_voxels

_REPLACED_KEYS = frozenset(
    ("ObjectType", "NDims", "BinaryData", "BinaryDataByteOrderMSB", "ElementByteOrderMSB",
     "CompressedData", "CompressedDataSize", "CompressionLevel", "HeaderSize", "DimSize",
     "ElementSpacing", "ElementSize", "Offset", "Position", "Origin", "ImagePosition",
     "TransformMatrix", "Rotation", "Orientation", "ElementType", "ElementNumberOfChannels",
     "ElementMin", "ElementMax", "ElementDataFile", "Modality", LEADING_AXES_KEY,
     LABEL_MAP_KEY)
)  # fmt: skip
"""Keys that are written anew, and not copied from the header that was read."""

_GEOMETRY_KEYS = frozenset(("AnatomicalOrientation", "CenterOfRotation"))
"""Keys that are copied only if the directions are those of the header that was read."""

_MODALITIES = ("CT", "MR", "NM", "US")
"""Modalities that MetaImage has a name for."""


def write(
    path: Path,
    volume: Volume,
    *,
    compress: bool = False,
    keep_patient: bool = False,
    progress: Progress = no_progress,
) -> WrittenFiles:
    """Write a MetaImage.

    Parameters
    ----------
    path : Path
        The header, ``.mhd``, or the one file, ``.mha``.
    volume : Volume
        Up to four dimensions, and channels or colour. Keys of the MetaImage it was read from are
        written again if they still hold.
    compress : bool
        Whether to compress the data with zlib. The data file of an ``.mhd`` is then a ``.zraw``.
    keep_patient : bool
        Whether to write keys that identify the patient too.
    progress : Progress
        Reports progress, and cancels.

    Returns
    -------
    Written
        The header, and the data file if there is one.

    Raises
    ------
    CannotWrite
        If the volume cannot be written. Existing files are then unchanged.
    """
    grid = to_file_grid(volume)
    dtype, notes = find_stored_type(volume)
    kept, dropped = _find_kept_keys(volume, grid, keep_patient=keep_patient)
    notes = (*notes, *grid.notes, *dropped)
    keys = _make_keys(volume, grid, dtype, compress=compress) | kept
    pieces = read_blocks(volume, dtype, progress)
    if path.suffix.lower() == ".mha":
        _write_local(path, keys, pieces, compress=compress)
        return WrittenFiles((path,), notes)
    return WrittenFiles((path, _write_two_files(path, keys, pieces, compress=compress)), notes)


def _write_local(
    path: Path, keys: dict[str, str], pieces: Iterator[NDArray[Any]], *, compress: bool
) -> None:
    """Write the header and the data to one file."""
    with open_atomic_file(path) as file:
        if compress:  # comes before the data, but is known only after them
            keys["CompressedDataSize"] = f"{0:<20}"
        file.write(_format_header(keys, "LOCAL"))
        start = file.tell()
        write_stored_voxels(file, pieces, zlib.MAX_WBITS if compress else None)
        if compress:
            keys["CompressedDataSize"] = f"{file.tell() - start:<20}"
            file.seek(0)
            file.write(_format_header(keys, "LOCAL"))


def _write_two_files(
    path: Path, keys: dict[str, str], pieces: Iterator[NDArray[Any]], *, compress: bool
) -> Path:
    """Write a header and its data file, so that no header ever refers to data of another image.

    The data are first written under a new name. The new header, which refers to that name,
    replaces the old one. Now that no header refers to the old data, the new data take their
    name, and a header with the final name is written last.
    """
    final = path.with_suffix(".zraw" if compress else ".raw")
    old = _find_old_data(path)
    if final.exists() and final not in old:  # another header may refer to it
        final = _find_free_name(final)
    with open_drafts(path) as made:
        data = DraftFile(path)
        made.append(data)
        write_stored_voxels(data.file, pieces, zlib.MAX_WBITS if compress else None)
        if compress:
            keys["CompressedDataSize"] = str(data.file.tell())
        first = _find_free_name(final) if final.exists() else final
        header = DraftFile(path)
        made.append(header)
        header.file.write(_format_header(keys, first.name))
        data.publish(first)
        try:
            header.publish(path)
        except BaseException:
            first.unlink()
            raise
    if first != final:
        with suppress(OSError):  # some file systems have no hard links
            _rename_data(path, keys, first, final)
            first = final
    for unused in old - {first}:
        with suppress(OSError):
            unused.unlink()
    return first


def _rename_data(path: Path, keys: Mapping[str, str], first: Path, final: Path) -> None:
    """Give the data file its final name, and write a header that refers to it."""
    second = _find_free_name(first)
    second.hardlink_to(first)
    try:
        second.replace(final)
    except OSError:
        second.unlink()
        raise
    header = DraftFile(path)
    try:
        header.file.write(_format_header(keys, final.name))
        header.publish(path)
    finally:
        header.discard()
    first.unlink()


def _find_old_data(path: Path) -> set[Path]:
    """Return the data file of an existing header at this path, if its name is the header's."""
    with suppress(UnreadableFile):
        target = read_metaimage_header(path).keys["ElementDataFile"]
        if target in (path.with_suffix(s).name for s in (".raw", ".zraw")):
            return {path.with_name(target)}
    return set()


def _find_free_name(path: Path) -> Path:
    """Return a path like this one that does not exist."""
    n = 2
    while (candidate := path.with_stem(f"{path.stem}-{n}")).exists():
        n += 1
    return candidate


def _format_header(keys: Mapping[str, str], data_file: str) -> bytes:
    lines = [f"{key} = {value}\n" for key, value in keys.items()]
    return "".join([*lines, f"ElementDataFile = {data_file}\n"]).encode()


def _make_keys(
    volume: Volume, grid: FileGrid, dtype: np.dtype[Any], *, compress: bool
) -> dict[str, str]:
    """Return the keys that describe the file, in the order in which MetaIO writes them."""
    keys = {
        "ObjectType": "Image",
        "NDims": str(len(grid.size)),
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": str(compress),
        "TransformMatrix": _format_numbers(grid.direction.T.ravel()),
        "Offset": _format_numbers(grid.origin),
    }
    if volume.geometry is not None:  # otherwise sizes are in pixels
        keys["ElementSpacing"] = _format_numbers(grid.spacing)
    keys["DimSize"] = " ".join(map(str, grid.size))
    if volume.modality in _MODALITIES:
        keys["Modality"] = f"MET_MOD_{volume.modality}"
    if grid.others:
        keys[LEADING_AXES_KEY] = format_leading_axes(grid.others[::-1])
    if volume.labels:
        keys[LABEL_MAP_KEY] = "True"
    if grid.channels > 1:
        keys["ElementNumberOfChannels"] = str(grid.channels)
    keys["ElementType"] = ELEMENT_TYPES[dtype.newbyteorder("=")]
    return keys


def _find_kept_keys(
    volume: Volume, grid: FileGrid, *, keep_patient: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the keys to copy from the MetaImage that was read, and notes about the others."""
    if not volume.source or volume.source[0].suffix.lower() not in (".mhd", ".mha"):
        return {}, ()
    keys = {key: value for key, value in volume.header.items() if key not in _REPLACED_KEYS}
    if volume.header.get("Modality", "").removeprefix("MET_MOD_") not in _MODALITIES:
        keys |= {key: value for key, value in volume.header.items() if key == "Modality"}
    if not _has_same_direction(volume.header, grid):
        keys = {key: value for key, value in keys.items() if key not in _GEOMETRY_KEYS}
    return remove_patient_keys(keys, keep_patient=keep_patient)


def _has_same_direction(header: Mapping[str, str], grid: FileGrid) -> bool:
    """Return whether the directions are those of the header that was read."""
    names = ("TransformMatrix", "Rotation", "Orientation")
    value = next((header[name] for name in names if name in header), None)
    old: NDArray[Any] = np.eye(len(grid.size))
    if value is not None:
        old = np.array([float(word) for word in value.split()])
    return old.size == grid.direction.size and np.allclose(
        old.ravel(), grid.direction.T.ravel(), atol=1e-6
    )


def _format_numbers(values: Sequence[float] | NDArray[np.float64]) -> str:
    """Format numbers with all digits, so that they are read back exactly."""
    return " ".join(np.format_float_positional(v, trim="-") for v in values)
