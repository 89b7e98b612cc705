"""Voxels that lie in a file as they do in memory, plain or packed by zlib or gzip.

They are read here and not by SimpleITK, which copies what numpy can map into memory, and hands
out uninitialised memory where most formats' data are short or broken.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.progress import Progress, no_progress
from napari_medread.errors import UnreadableFile

DEFLATE_LIMIT = 1032
"""No deflate stream unpacks to more than so many times its length."""

GZIP = 16 + zlib.MAX_WBITS
"""Makes zlib pack as gzip does: without a name, and with a time of 0."""

_EITHER = 32 + zlib.MAX_WBITS
"""Makes zlib tell its own streams from gzip's by their first bytes."""

_GZIP_MAGIC = b"\x1f\x8b"

_GZIP_START = _GZIP_MAGIC + b"\x08" + bytes(6) + b"\xff"
"""Of a gzip stream without a name, a time or a system (RFC 1952)."""

_ZLIB_START = b"\x78\x5e"
"""Of a zlib stream packed fast (RFC 1950)."""

_DEFLATE_END = b"\x03\x00"
"""The last piece of a deflate stream, without content."""

_WORKERS = 8
"""So many parts are packed at a time, where there are as many processors."""

_CHUNK = 1 << 22
"""Bytes of a compressed file in memory at a time."""

_LEVEL = 2
"""zlib's effort: beyond it images get hardly smaller and take twice as long."""


def unreadable(path: Path, problem: str) -> UnreadableFile:
    """Return the error that says what is wrong with a file."""
    name = path.name.encode(errors="replace").decode()
    return UnreadableFile(f"{name}: {problem}")


class Stored(NamedTuple):
    """Where the voxels of a file lie.

    Attributes
    ----------
    path : Path
        The file.
    offset : int
        Where they start in it; where it is packed, in what it unpacks to.
    shape : tuple of int
        Of the array.
    dtype : dtype
        Their type, in the byte order of the file.
    packed_from : int or None
        Where a zlib or gzip stream starts in the file, None where it is plain.
    """

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    packed_from: int | None = None


class Unpacker:
    """Unpacks a zlib stream, or gzip streams that follow one another.

    Parameters
    ----------
    source : binary file
        At the start of the stream.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._stream = zlib.decompressobj(_EITHER)

    def fill(self, target: NDArray[np.uint8]) -> int:
        """Unpack bytes until a target is full or the streams end; return how many there were."""
        filled = 0
        while filled < target.size:
            packed = self._stream.unconsumed_tail or self._source.read(_CHUNK)
            if self._stream.eof:
                packed = self._stream.unused_data or packed
                if not packed.startswith(_GZIP_MAGIC):
                    break
                self._stream = zlib.decompressobj(_EITHER)
            piece = self._stream.decompress(packed, target.size - filled)
            if not packed and not piece:
                break
            target[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
            filled += len(piece)
        return filled

    def check(self) -> None:
        """Unpack what is left of the stream, so that it is held to its checksum.

        Raises
        ------
        zlib.error
            Where it differs.
        """
        while not self._stream.eof:
            packed = self._stream.unconsumed_tail or self._source.read(_CHUNK)
            if not packed:  # cut short behind the voxels, all of which are there
                break
            self._stream.decompress(packed, _CHUNK)


def start_of(path: Path, count: int) -> tuple[bytes, bool]:
    """Return the first bytes of a file, unpacked, and whether it is packed by gzip.

    Raises
    ------
    UnreadableFile
        Where it cannot be opened, is empty, or is packed and broken at its start.
    """
    try:
        with path.open("rb") as file:
            start = file.read(count)
            if not start.startswith(_GZIP_MAGIC):
                if not start:
                    raise unreadable(path, "the file is empty.")
                return start, False
            file.seek(0)
            target = np.empty(count, np.uint8)
            return target[: Unpacker(file).fill(target)].tobytes(), True
    except UnreadableFile:
        raise
    except zlib.error as error:
        raise unreadable(path, "its compressed data are broken.") from error
    except OSError as error:
        raise unreadable(path, f"cannot be opened ({error.strerror or error}).") from error


def read_stored(stored: Stored, name: str, progress: Progress = no_progress) -> NDArray[Any]:
    """Return voxels as an array in native byte order.

    Plain ones are mapped into memory, copy on write: a person may paint on a layer, never
    into the file.

    Parameters
    ----------
    stored : Stored
        Where they are.
    name : str
        The name of the header's file, which may be another.
    progress : Progress
        Reports progress, and stops.

    Raises
    ------
    UnreadableFile
        Where there are too few, before memory is taken, or they are packed and broken.
    """
    path, offset, shape, dtype, packed_from = stored
    header = path.with_name(name)
    promised = math.prod(shape) * dtype.itemsize
    try:
        there = path.stat().st_size
        if packed_from is not None:
            if (there - packed_from) * DEFLATE_LIMIT < offset + promised:
                raise unreadable(
                    header,
                    f"{path.name} is too short to unpack to the {promised} bytes of data that the "
                    "header promises.",
                )
            return _unpack(stored, header, progress)
        if there < offset + promised:
            raise unreadable(
                header,
                f"{path.name} holds {max(0, there - offset)} bytes of data where the header "
                f"promises {promised}.",
            )
        native = dtype.newbyteorder("=")
        if native == dtype:
            return np.memmap(path, native, "c", offset, shape)
        return np.memmap(path, dtype, "r", offset, shape).astype(native)
    except UnreadableFile:
        raise
    except MemoryError as error:
        raise unreadable(header, "there is not enough memory to read it.") from error
    except (OSError, OverflowError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise unreadable(header, f"its data cannot be read ({why}).") from error


def _unpack(stored: Stored, header: Path, progress: Progress) -> NDArray[Any]:
    path, offset, shape, dtype, packed_from = stored
    data = np.empty(shape, dtype)
    target = data.reshape(-1).view(np.uint8)
    try:
        with path.open("rb") as file:
            file.seek(packed_from or 0)
            stream = Unpacker(file)
            stream.fill(np.empty(offset, np.uint8))
            for start in progress(range(0, target.size, _CHUNK), f"Unpacking {path.name}"):
                end = start + stream.fill(target[start : start + _CHUNK])
                if end < min(start + _CHUNK, target.size):
                    raise unreadable(
                        header,
                        f"{path.name} unpacks to {end} bytes of data where the header promises "
                        f"{target.size}. It may have been cut short.",
                    )
            stream.check()
    except zlib.error as error:
        raise unreadable(header, f"the compressed data in {path.name} are broken.") from error
    if not dtype.isnative:
        data = data.byteswap(inplace=True).view(dtype.newbyteorder("="))
    return data


def write_stored(file: BinaryIO, parts: Iterable[bytes | NDArray[Any]], wbits: int | None) -> None:
    """Write parts one after the other, packed into one stream or as they are.

    Parameters
    ----------
    file : binary file
        Where to.
    parts : iterable of bytes and arrays
        What to write; arrays are contiguous.
    wbits : int or None
        zlib's word for the kind of stream, None for no packing.
    """
    for piece in _packed(parts, wbits) if wbits is not None else map(_bytes_of, parts):
        file.write(piece)


def _packed(parts: Iterable[bytes | NDArray[Any]], wbits: int) -> Iterator[bytes]:
    """Yield parts as one zlib or gzip stream, several of them packed at a time.

    A deflate stream may be cut anywhere: parts that are packed on their own, each flushed to a
    whole byte, follow one another in it (RFC 1951).
    """
    is_gzip = wbits == GZIP
    yield _GZIP_START if is_gzip else _ZLIB_START
    check, length = (0, 0) if is_gzip else (1, 0)
    workers = min(_WORKERS, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[bytes]] = deque()
        for part in parts:
            data = _bytes_of(part)
            under_way.append(pool.submit(_deflated, data))
            check = zlib.crc32(data, check) if is_gzip else zlib.adler32(data, check)
            length += memoryview(data).nbytes
            if len(under_way) > workers:  # no more than these are in memory
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    yield _DEFLATE_END
    yield struct.pack("<LL", check, length & 0xFFFFFFFF) if is_gzip else struct.pack(">L", check)


def _deflated(data: bytes | memoryview) -> bytes:
    """Return bytes packed as a piece of a deflate stream, of which more may follow."""
    packer = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)


def _bytes_of(part: bytes | NDArray[Any]) -> bytes | memoryview:
    return part if isinstance(part, bytes) else part.data


def reversed_size(size: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of an array whose fastest axis is the first of a file's."""
    return tuple(int(n) for n in reversed(size))
