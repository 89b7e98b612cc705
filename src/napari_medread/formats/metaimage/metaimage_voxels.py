"""Reads the voxels of a MetaImage from one or several files: binary, compressed or text.

They are read here and not by SimpleITK, which copies voxels that numpy can map into memory,
returns uninitialised memory if data are truncated or corrupt, and aborts on some headers.
"""

from __future__ import annotations

import math
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.progress import Progress, no_progress
from napari_medread.errors import UnreadableFile
from napari_medread.formats.metaimage.metaimage_header import LIST_KEYWORD, MetaImageHeader
from napari_medread.formats.shared.stored_voxels import MAX_DEFLATE_RATIO, Decompressor

_CHUNK_BYTES = 1 << 22
"""Number of bytes of a compressed file that are in memory at a time."""

_NUMBERED_FILES = re.compile(r"([^%]*%0?\d?\d?[diu][^%]*?)\s+(-?\d+)\s+(-?\d+)\s+(\d+)", re.ASCII)
"""A name with one decimal number, then first, last and step: ``slice%03d.raw 1 60 1``."""


def read_metaimage_voxels(
    header: MetaImageHeader, progress: Progress = no_progress
) -> tuple[NDArray[Any], list[str]]:
    """Read the voxels of a MetaImage.

    Parameters
    ----------
    header : Header
        The checked header.
    progress : Progress
        Reports progress, and cancels.

    Returns
    -------
    data : array
        Shape ``header.shape``, in native byte order. A single uncompressed file is
        memory-mapped copy-on-write: painting on a layer never changes the file.
    notes : list of str
        Sentences about unexpected data files.

    Raises
    ------
    UnreadableFile
        If a file is missing or too short, which is checked before memory is allocated, or if
        compressed data or text are corrupt.
    """
    files, notes = _find_data_files(header)
    try:
        return _read_files(header, files, progress), notes
    except UnreadableFile:
        raise
    except MemoryError as error:
        raise header.error("there is not enough memory to read it.") from error
    except OSError as error:
        raise header.error(f"its data cannot be opened ({error.strerror or error}).") from error


def _read_files(header: MetaImageHeader, files: list[Path], progress: Progress) -> NDArray[Any]:
    """Memory-map a single uncompressed file, or fill an array from all files."""
    count = math.prod(header.shape) // len(files)
    offsets = [_find_data_offset(header, file, count) for file in files]
    native = header.dtype.newbyteorder("=")
    if header.is_plain and len(files) == 1 and native == header.dtype:
        return np.memmap(files[0], native, "c", offsets[0], header.shape)
    data = np.empty(header.shape, native)
    parts = list(zip(data.reshape(len(files), -1), files, offsets, strict=True))
    for part, file, offset in progress(parts, f"Reading {header.path.name}"):
        if header.is_plain:
            part[:] = np.memmap(file, header.dtype, "r", offset, part.shape)
        elif header.is_binary:
            _decompress_into(header, file, offset, part, progress)
        else:
            _parse_text_into(header, file, offset, part)
    return data


def _find_data_files(header: MetaImageHeader) -> tuple[list[Path], list[str]]:
    """Return the data files in order, and notes about them."""
    target = header.keys["ElementDataFile"]
    if header.is_local:
        return [header.path], []
    expected = 1
    if target.startswith(LIST_KEYWORD):
        names: list[str] = list(header.listed_files)
        dimensions = target.removeprefix(LIST_KEYWORD).strip() or str(header.ndim - 1)
        if dimensions not in [str(n) for n in range(1, header.ndim)]:
            raise header.error(
                f"ElementDataFile is '{target}': after LIST comes the number of dimensions "
                f"of one file, 1 to {header.ndim - 1}."
            )
        expected = math.prod(header.size[int(dimensions) :])
    elif "%" in target:
        names = _expand_numbered_names(header, target)
        expected = header.size[-1]
    else:
        names = [target]
    if len(names) < expected:
        raise header.error(
            f"ElementDataFile names {len(names)} files, but DimSize requires {expected}."
        )
    notes = []
    if len(names) > expected:
        notes.append(
            f"The header names more files than DimSize requires: the first {expected} were read."
        )
    files = [header.path.parent / name for name in names[:expected]]
    folder = header.path.parent.resolve()
    for file, name in zip(files, names, strict=False):
        try:
            exists, is_inside = file.is_file(), file.resolve().is_relative_to(folder)
        except (OSError, ValueError):  # not a valid file name
            exists, is_inside = False, True
        if not exists:
            raise header.error(f"its data file '{name[:80]}' is missing.")
        if not is_inside and len(notes) < 2:
            notes.append(f"The data were read from outside the header's folder: {file.name}.")
    return files, notes


def _expand_numbered_names(header: MetaImageHeader, target: str) -> list[str]:
    """Return the names that ``slice%03d.raw 1 60 1`` stands for."""
    match = _NUMBERED_FILES.fullmatch(target)
    if not match or not int(match[4]):
        raise header.error(
            f"ElementDataFile must be a name with one %d and then first, last and step, "
            f"as in 'slice%03d.raw 1 60 1', not '{target}'."
        )
    pattern = match[1]
    first, last, step = (int(n) for n in match.groups()[1:])
    numbers = range(first, last + 1, step)
    # One more than there are slices: a typing error may ask for billions.
    return [pattern % n for n in numbers[: header.size[-1] + 1]]


def _find_data_offset(header: MetaImageHeader, file: Path, count: int) -> int:
    """Return the byte at which the data start in a file, and raise if it is too short.

    Parameters
    ----------
    header : Header
        The checked header.
    file : Path
        One of the data files.
    count : int
        Number of values in the file, including channels.
    """
    expected = count * header.dtype.itemsize
    length = file.stat().st_size
    header_size = header.get_int("HeaderSize", 0)
    if header_size == -1 and not header.is_plain:
        raise header.error("HeaderSize -1 needs data that are neither compressed nor text.")
    if header_size == -1:
        offset = max(0, length - expected)
    elif header_size > 0:  # from the start of the file, even with LOCAL data
        offset = header_size
    else:
        offset = header.data_offset if header.is_local else 0
    available = max(0, length - offset)
    least, kind = expected, ""
    if not header.is_binary:
        least, kind = 2 * count - 1, " as text"  # one digit each, and separators
    elif header.is_compressed:
        least, kind = -(-expected // MAX_DEFLATE_RATIO), " after decompression"
        stated = header.get_int("CompressedDataSize", 0)
        if stated > least:
            least, expected, kind = stated, stated, " compressed"
    if available < least:
        raise header.error(
            f"{file.name} holds {available} bytes, but the header specifies {expected}{kind}."
        )
    return offset


def _decompress_into(
    header: MetaImageHeader, file: Path, offset: int, part: NDArray[Any], progress: Progress
) -> None:
    """Decompress a zlib or gzip stream into a contiguous part of the array."""
    target = part.view(np.uint8)
    try:
        with file.open("rb") as source:
            source.seek(offset)
            stream = Decompressor(source)
            starts = range(0, target.size, _CHUNK_BYTES)
            for start in progress(starts, f"Decompressing {file.name}"):
                end = start + stream.fill(target[start : start + _CHUNK_BYTES])
                if end < min(start + _CHUNK_BYTES, target.size):
                    raise header.error(
                        f"{file.name} decompresses to {end} bytes, but the header specifies "
                        f"{target.size}."
                    )
            stream.check()
    except zlib.error as error:
        raise header.error(f"the compressed data in {file.name} are corrupt.") from error
    if header.dtype != part.dtype:
        part.byteswap(inplace=True)


def _parse_text_into(header: MetaImageHeader, file: Path, offset: int, part: NDArray[Any]) -> None:
    """Parse numbers that are stored as text into a part of the array."""
    if part.dtype.itemsize > 1 and header.is_true("BinaryDataByteOrderMSB", "ElementByteOrderMSB"):
        # SimpleITK swaps the bytes of such numbers after parsing them.
        raise header.error("numbers as text have no byte order: BinaryDataByteOrderMSB is True.")
    words = file.read_bytes()[offset:].replace(b",", b" ").split(maxsplit=part.size)[: part.size]
    if len(words) < part.size:
        raise header.error(
            f"{file.name} holds {len(words)} numbers, but the header specifies {part.size}."
        )
    try:
        values = np.array(words).astype(np.float64)
    except ValueError as error:
        raise header.error(f"{file.name} holds text that is not a number.") from error
    if part.dtype.kind in "iu":
        limits = np.iinfo(part.dtype)
        if not ((values > limits.min - 1.0) & (values < limits.max + 1.0)).all():
            raise header.error(f"{file.name} holds numbers that its ElementType cannot hold.")
    with np.errstate(over="ignore"):
        part[:] = values
