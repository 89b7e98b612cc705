"""The pixels of a MetaImage: one file or many, plain, compressed or text, to one array.

They are read here and not by SimpleITK, which copies what numpy can map into memory, hands
out uninitialised memory where data are short or broken, and ends the process on some headers.
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
from napari_medread.formats.metaimage.metaimage_header import LIST, Header
from napari_medread.formats.shared.stored_voxels import DEFLATE_LIMIT, Unpacker

_CHUNK = 1 << 22
"""Bytes of a compressed file in memory at a time."""

_NUMBERED = re.compile(r"([^%]*%0?\d?\d?[diu][^%]*?)\s+(-?\d+)\s+(-?\d+)\s+(\d+)", re.ASCII)
"""``slice%03d.raw 1 60 1``: a name with one decimal number, then first, last and step."""


def read_pixels(header: Header, progress: Progress = no_progress) -> tuple[NDArray[Any], list[str]]:
    """Read the pixels of a MetaImage.

    Parameters
    ----------
    header : Header
        Its header.
    progress : Progress
        Reports progress.

    Returns
    -------
    data : array
        Of ``header.shape``, in native byte order. A single plain file is mapped into
        memory, copy on write: a person may paint on a layer, never into the file.
    notes : list of str
        What is odd about the files.

    Raises
    ------
    UnreadableFile
        Where a file is missing or too short, before memory is taken, or where compressed
        data or text are broken.
    """
    files, notes = _data_files(header)
    try:
        return _load(header, files, progress), notes
    except UnreadableFile:
        raise
    except MemoryError as error:
        raise header.error("there is not enough memory to read it.") from error
    except OSError as error:
        raise header.error(f"its data cannot be opened ({error.strerror or error}).") from error


def _load(header: Header, files: list[Path], progress: Progress) -> NDArray[Any]:
    """Map one plain file into memory, or fill an array from all files."""
    count = math.prod(header.shape) // len(files)
    offsets = [_offset_of(header, file, count) for file in files]
    native = header.dtype.newbyteorder("=")
    if header.is_plain and len(files) == 1 and native == header.dtype:
        return np.memmap(files[0], native, "c", offsets[0], header.shape)
    data = np.empty(header.shape, native)
    parts = list(zip(data.reshape(len(files), -1), files, offsets, strict=True))
    for part, file, offset in progress(parts, f"Reading {header.path.name}"):
        if header.is_plain:
            part[:] = np.memmap(file, header.dtype, "r", offset, part.shape)
        elif header.is_binary:
            _inflate(header, file, offset, part, progress)
        else:
            _parse(header, file, offset, part)
    return data


def _data_files(header: Header) -> tuple[list[Path], list[str]]:
    """Return the files that make up the data in order, and notes on them."""
    target = header.keys["ElementDataFile"]
    if header.is_local:
        return [header.path], []
    expected = 1
    if target.startswith(LIST):
        names: list[str] = list(header.listed)
        dimensions = target.removeprefix(LIST).strip() or str(header.ndim - 1)
        if dimensions not in [str(n) for n in range(1, header.ndim)]:
            raise header.error(
                f"ElementDataFile is '{target}': after LIST comes the number of dimensions "
                f"of one file, 1 to {header.ndim - 1}."
            )
        expected = math.prod(header.size[int(dimensions) :])
    elif "%" in target:
        names = _numbered(header, target)
        expected = header.size[-1]
    else:
        names = [target]
    if len(names) < expected:
        raise header.error(
            f"ElementDataFile names {len(names)} files where DimSize asks for {expected}."
        )
    notes = []
    if len(names) > expected:
        notes.append(f"The header names more files than DimSize asks for: {expected} were read.")
    files = [header.path.parent / name for name in names[:expected]]
    folder = header.path.parent.resolve()
    for file, name in zip(files, names, strict=False):
        try:
            found, inside = file.is_file(), file.resolve().is_relative_to(folder)
        except (OSError, ValueError):  # no name a file could have
            found, inside = False, True
        if not found:
            raise header.error(f"its data file '{name[:80]}' is missing.")
        if not inside and len(notes) < 2:
            notes.append(f"The data were read from outside the header's folder: {file.name}.")
    return files, notes


def _numbered(header: Header, target: str) -> list[str]:
    """Spell out ``slice%03d.raw 1 60 1``."""
    match = _NUMBERED.fullmatch(target)
    if not match or not int(match[4]):
        raise header.error(
            f"ElementDataFile must be a name with one %d and then first, last and step, "
            f"as in 'slice%03d.raw 1 60 1', not '{target}'."
        )
    pattern = match[1]
    first, last, step = (int(n) for n in match.groups()[1:])
    numbers = range(first, last + 1, step)
    # No more than a glance past the last slice: a typing error may ask for billions.
    return [pattern % n for n in numbers[: header.size[-1] + 1]]


def _offset_of(header: Header, file: Path, count: int) -> int:
    """Return where the data start in a file, and refuse one too short to hold them.

    Parameters
    ----------
    header : Header
        The header.
    file : Path
        One of its data files.
    count : int
        Numbers in the file, channels included.
    """
    promised = count * header.dtype.itemsize
    length = file.stat().st_size
    skipped = header.whole("HeaderSize", 0)
    if skipped == -1 and not header.is_plain:
        raise header.error("HeaderSize -1 needs data that are neither compressed nor text.")
    if skipped == -1:
        offset = max(0, length - promised)
    elif skipped > 0:  # from the start of the file, even of one with LOCAL data
        offset = skipped
    else:
        offset = header.data_offset if header.is_local else 0
    there = max(0, length - offset)
    least, kind = promised, ""
    if not header.is_binary:
        least, kind = 2 * count - 1, " as text"  # a digit each, and what divides them
    elif header.is_compressed:
        least, kind = -(-promised // DEFLATE_LIMIT), " once unpacked"
        stated = header.whole("CompressedDataSize", 0)
        if stated > least:
            least, promised, kind = stated, stated, " compressed"
    if there < least:
        raise header.error(
            f"{file.name} holds {there} bytes where the header promises {promised}{kind}."
        )
    return offset


def _inflate(
    header: Header, file: Path, offset: int, part: NDArray[Any], progress: Progress
) -> None:
    """Fill a contiguous part of the array from a zlib or gzip stream."""
    target = part.view(np.uint8)
    try:
        with file.open("rb") as source:
            source.seek(offset)
            stream = Unpacker(source)
            for start in progress(range(0, target.size, _CHUNK), f"Unpacking {file.name}"):
                end = start + stream.fill(target[start : start + _CHUNK])
                if end < min(start + _CHUNK, target.size):
                    raise header.error(
                        f"{file.name} unpacks to {end} bytes where the header promises "
                        f"{target.size}."
                    )
            stream.check()
    except zlib.error as error:
        raise header.error(f"the compressed data in {file.name} are broken.") from error
    if header.dtype != part.dtype:
        part.byteswap(inplace=True)


def _parse(header: Header, file: Path, offset: int, part: NDArray[Any]) -> None:
    """Fill a part of the array from numbers written as text."""
    if part.dtype.itemsize > 1 and header.flag("BinaryDataByteOrderMSB", "ElementByteOrderMSB"):
        # SimpleITK swaps the bytes of such numbers after it has understood them.
        raise header.error("numbers as text have no byte order: BinaryDataByteOrderMSB is True.")
    words = file.read_bytes()[offset:].replace(b",", b" ").split(maxsplit=part.size)[: part.size]
    if len(words) < part.size:
        raise header.error(
            f"{file.name} holds {len(words)} numbers where the header promises {part.size}."
        )
    try:
        values = np.array(words).astype(np.float64)
    except ValueError as error:
        raise header.error(f"{file.name} holds other things than numbers.") from error
    if part.dtype.kind in "iu":
        limits = np.iinfo(part.dtype)
        if not ((values > limits.min - 1.0) & (values < limits.max + 1.0)).all():
            raise header.error(f"{file.name} holds numbers that its ElementType cannot hold.")
    with np.errstate(over="ignore"):
        part[:] = values
