"""Compressed pixels: where each frame's stream lies in the file (PS3.5 A.4)."""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from itertools import pairwise

from napari_medread.dicom.headers.header_scan import DicomFileHeader

Span = tuple[int, int]
"""Offset of a fragment in the file, and its length."""

_ITEM = 0xFFFEE000


def read_compressed_frame(header: DicomFileHeader, number: int) -> bytes | None:
    """Return one frame's compressed stream, reading nothing but it.

    None where the pixels are not compressed, or fragments can't be told to be of which frame.
    """
    spans = _spans(header)
    if number >= len(spans):
        return None
    with header.path.open("rb") as file:
        parts = []
        for offset, length in spans[number]:
            file.seek(offset)
            parts.append(file.read(length))
    return b"".join(parts)


# A file's frames are read one after another; those of a few files at once by dask.
@lru_cache(maxsize=8)
def _spans(header: DicomFileHeader) -> list[list[Span]]:
    """Return the fragments of every frame, or nothing where that is not known."""
    pixels = header.pixels
    if pixels is None or pixels.length is not None or pixels.keyword != "PixelData":
        return []
    table, fragments = _fragments(header, pixels.offset)
    if header.number_of_frames == 1:
        return [fragments] if fragments else []
    if len(fragments) == header.number_of_frames:
        return [[fragment] for fragment in fragments]
    if len(table) != header.number_of_frames or not fragments:
        return []
    # Offsets count from the first byte of the first fragment's item.
    first = fragments[0][0] - 8
    starts = {offset - 8 - first: n for n, (offset, _) in enumerate(fragments)}
    if any(entry not in starts for entry in table):
        return []
    bounds = [*(starts[entry] for entry in table), len(fragments)]
    return [fragments[start:stop] for start, stop in pairwise(bounds)]


def _fragments(header: DicomFileHeader, at: int) -> tuple[tuple[int, ...], list[Span]]:
    """Return the basic offset table and all fragments up to the delimiter, or the file's end."""
    found: list[Span] = []
    table: tuple[int, ...] = ()
    with header.path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        is_table = True
        while at + 8 <= size:
            file.seek(at)
            group, element, length = struct.unpack("<HHL", file.read(8))
            if group << 16 | element != _ITEM or at + 8 + length > size:
                break
            if is_table:
                table = struct.unpack(f"<{length // 4}L", file.read(length // 4 * 4))
                is_table = False
            else:
                found.append((at + 8, length))
            at += 8 + length
    return table, found
