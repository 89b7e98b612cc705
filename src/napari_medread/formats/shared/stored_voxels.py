"""Voxels stored in a file as they are in memory, uncompressed or compressed by zlib or gzip.

They are read here and not by SimpleITK, which copies voxels that numpy can map into memory, and
returns uninitialised memory for most formats if the data are truncated or corrupt.
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

MAX_DEFLATE_RATIO = 1032
"""Largest ratio of decompressed to compressed bytes of a deflate stream."""

GZIP_WBITS = 16 + zlib.MAX_WBITS
"""zlib's ``wbits`` for a gzip stream; its header has no file name and a time of 0."""

_ZLIB_OR_GZIP_WBITS = 32 + zlib.MAX_WBITS
"""zlib's ``wbits`` for detecting zlib or gzip from the first bytes."""

_GZIP_MAGIC = b"\x1f\x8b"

_GZIP_STREAM_START = _GZIP_MAGIC + b"\x08" + bytes(6) + b"\xff"
"""Header of a gzip stream without a file name, time and operating system (RFC 1952)."""

_ZLIB_STREAM_START = b"\x78\x5e"
"""Header of a zlib stream compressed fast (RFC 1950)."""

_FINAL_DEFLATE_BLOCK = b"\x03\x00"
"""Empty block that ends a deflate stream (RFC 1951)."""

_MAX_WORKERS = 8
"""Largest number of parts compressed at the same time."""

_CHUNK_BYTES = 1 << 22
"""Number of bytes of a compressed file that are in memory at a time."""

_COMPRESSION_LEVEL = 2
"""zlib's compression level: higher ones take twice as long and save little on images."""


def make_unreadable_error(path: Path, problem: str) -> UnreadableFile:
    """Return an error that names a file and says what is wrong with it."""
    name = path.name.encode(errors="replace").decode()
    return UnreadableFile(f"{name}: {problem}")


class StoredVoxels(NamedTuple):
    """Location and type of the voxels in a file.

    Attributes
    ----------
    path : Path
        The file with the voxels.
    offset : int
        Byte at which the voxels start, counted in the decompressed data if they are compressed.
    shape : tuple of int
        Shape of the array.
    dtype : dtype
        Type of the values in the byte order of the file.
    stream_start : int or None
        Byte of the file at which a zlib or gzip stream starts; None if it is not compressed.
    """

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stream_start: int | None = None


class Decompressor:
    """Decompresses a zlib stream, or consecutive gzip streams.

    Parameters
    ----------
    source : binary file
        File positioned at the start of the stream.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._stream = zlib.decompressobj(_ZLIB_OR_GZIP_WBITS)

    def fill(self, target: NDArray[np.uint8]) -> int:
        """Decompress into a target until it is full or the stream ends; return the bytes filled."""
        filled = 0
        while filled < target.size:
            compressed = self._stream.unconsumed_tail or self._source.read(_CHUNK_BYTES)
            if self._stream.eof:
                compressed = self._stream.unused_data or compressed
                if not compressed.startswith(_GZIP_MAGIC):
                    break
                self._stream = zlib.decompressobj(_ZLIB_OR_GZIP_WBITS)
            piece = self._stream.decompress(compressed, target.size - filled)
            if not compressed and not piece:
                break
            target[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
            filled += len(piece)
        return filled

    def check(self) -> None:
        """Decompress the rest of the stream, so that zlib verifies its checksum.

        Raises
        ------
        zlib.error
            If the checksum differs.
        """
        while not self._stream.eof:
            compressed = self._stream.unconsumed_tail or self._source.read(_CHUNK_BYTES)
            if not compressed:  # truncated after the last voxel
                break
            self._stream.decompress(compressed, _CHUNK_BYTES)


def read_decompressed_start(path: Path, count: int) -> tuple[bytes, bool]:
    """Return the first bytes of a file, decompressed, and whether it is compressed by gzip.

    Raises
    ------
    UnreadableFile
        If the file cannot be opened, is empty, or its compressed data are corrupt at the start.
    """
    try:
        with path.open("rb") as file:
            start = file.read(count)
            if not start.startswith(_GZIP_MAGIC):
                if not start:
                    raise make_unreadable_error(path, "the file is empty.")
                return start, False
            file.seek(0)
            target = np.empty(count, np.uint8)
            return target[: Decompressor(file).fill(target)].tobytes(), True
    except UnreadableFile:
        raise
    except zlib.error as error:
        raise make_unreadable_error(path, "its compressed data are corrupt.") from error
    except OSError as error:
        raise make_unreadable_error(
            path, f"cannot be opened ({error.strerror or error})."
        ) from error


def read_stored_voxels(
    stored: StoredVoxels, name: str, progress: Progress = no_progress
) -> NDArray[Any]:
    """Return voxels as an array in native byte order.

    Uncompressed voxels are memory-mapped copy-on-write: painting on a layer never changes the
    file.

    Parameters
    ----------
    stored : StoredVoxels
        Where the voxels are.
    name : str
        Name of the header's file, for errors; it may be another file in the same folder.
    progress : Progress
        Reports progress on compressed data, and cancels.

    Raises
    ------
    UnreadableFile
        If the data are too short, which is checked before memory is allocated, or corrupt.
    """
    path, offset, shape, dtype, stream_start = stored
    header = path.with_name(name)
    expected_bytes = math.prod(shape) * dtype.itemsize
    try:
        file_bytes = path.stat().st_size
        if stream_start is not None:
            if (file_bytes - stream_start) * MAX_DEFLATE_RATIO < offset + expected_bytes:
                raise make_unreadable_error(
                    header,
                    f"{path.name} is too short to decompress to the {expected_bytes} bytes of data "
                    "that the header specifies.",
                )
            return _decompress_voxels(stored, header, progress)
        if file_bytes < offset + expected_bytes:
            raise make_unreadable_error(
                header,
                f"{path.name} holds {max(0, file_bytes - offset)} bytes of data, but the header "
                f"specifies {expected_bytes}.",
            )
        native = dtype.newbyteorder("=")
        if native == dtype:
            return np.memmap(path, native, "c", offset, shape)
        return np.memmap(path, dtype, "r", offset, shape).astype(native)
    except UnreadableFile:
        raise
    except MemoryError as error:
        raise make_unreadable_error(header, "there is not enough memory to read it.") from error
    except (OSError, OverflowError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise make_unreadable_error(header, f"its data cannot be read ({reason}).") from error


def _decompress_voxels(stored: StoredVoxels, header: Path, progress: Progress) -> NDArray[Any]:
    path, offset, shape, dtype, stream_start = stored
    data = np.empty(shape, dtype)
    target = data.reshape(-1).view(np.uint8)
    try:
        with path.open("rb") as file:
            file.seek(stream_start or 0)
            stream = Decompressor(file)
            stream.fill(np.empty(offset, np.uint8))
            starts = range(0, target.size, _CHUNK_BYTES)
            for start in progress(starts, f"Decompressing {path.name}"):
                end = start + stream.fill(target[start : start + _CHUNK_BYTES])
                if end < min(start + _CHUNK_BYTES, target.size):
                    raise make_unreadable_error(
                        header,
                        f"{path.name} decompresses to {end} bytes of data, but the header "
                        f"specifies {target.size}. It may be truncated.",
                    )
            stream.check()
    except zlib.error as error:
        raise make_unreadable_error(
            header, f"the compressed data in {path.name} are corrupt."
        ) from error
    if not dtype.isnative:
        data = data.byteswap(inplace=True).view(dtype.newbyteorder("="))
    return data


def write_stored_voxels(
    file: BinaryIO, parts: Iterable[bytes | NDArray[Any]], wbits: int | None
) -> None:
    """Write parts one after the other, compressed into one stream or as they are.

    Parameters
    ----------
    file : binary file
        The file to write to.
    parts : iterable of bytes and arrays
        The parts to write; arrays are contiguous.
    wbits : int or None
        zlib's ``wbits`` for the kind of stream; None for no compression.
    """
    for piece in _compress_parts(parts, wbits) if wbits is not None else map(_to_bytes, parts):
        file.write(piece)


def _compress_parts(parts: Iterable[bytes | NDArray[Any]], wbits: int) -> Iterator[bytes]:
    """Yield parts as one zlib or gzip stream, and compress several of them at the same time.

    Deflate streams can be concatenated: each part is compressed separately and flushed to a
    whole byte (RFC 1951).
    """
    is_gzip = wbits == GZIP_WBITS
    yield _GZIP_STREAM_START if is_gzip else _ZLIB_STREAM_START
    checksum, length = (0, 0) if is_gzip else (1, 0)
    workers = min(_MAX_WORKERS, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        pending: deque[Future[bytes]] = deque()
        for part in parts:
            data = _to_bytes(part)
            pending.append(pool.submit(_deflate, data))
            checksum = zlib.crc32(data, checksum) if is_gzip else zlib.adler32(data, checksum)
            length += memoryview(data).nbytes
            if len(pending) > workers:  # limits the parts in memory
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    yield _FINAL_DEFLATE_BLOCK
    if is_gzip:
        yield struct.pack("<LL", checksum, length & 0xFFFFFFFF)
    else:
        yield struct.pack(">L", checksum)


def _deflate(data: bytes | memoryview) -> bytes:
    """Return bytes compressed as a part of a deflate stream that does not end it."""
    compressor = zlib.compressobj(_COMPRESSION_LEVEL, wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)


def _to_bytes(part: bytes | NDArray[Any]) -> bytes | memoryview:
    return part if isinstance(part, bytes) else part.data


def shape_from_size(size: Sequence[int]) -> tuple[int, ...]:
    """Return the array shape of a size that lists the fastest axis first, as files do."""
    return tuple(int(n) for n in reversed(size))
