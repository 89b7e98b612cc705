"""Compressed pixels: where the stream of each frame lies in the file (PS3.5 A.4)."""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from itertools import pairwise

from napari_medread.dicom.headers.header_scan import FRAGMENT_HEADER_BYTES, DicomFileHeader

Fragment = tuple[int, int]
"""Offset of a fragment in the file, and its length, in bytes."""

_ITEM_TAG = 0xFFFEE000


def read_compressed_frame(header: DicomFileHeader, index: int) -> bytes | None:
    """Return the compressed stream of one frame, without reading other frames.

    None where the pixels are not compressed, or it is not known which fragments make which frame.
    """
    frames = _find_frame_fragments(header)
    if index >= len(frames):
        return None
    with header.path.open("rb") as file:
        parts = []
        for offset, length in frames[index]:
            file.seek(offset)
            parts.append(file.read(length))
    return b"".join(parts)


# The frames of a file are read one after another, but dask reads from a few files at once.
@lru_cache(maxsize=8)
def _find_frame_fragments(header: DicomFileHeader) -> list[list[Fragment]]:
    """Return the fragments of every frame; an empty list where that is not known."""
    pixels = header.pixels
    if pixels is None or pixels.length is not None or pixels.keyword != "PixelData":
        return []
    offset_table, fragments = _read_fragments(header, pixels.offset)
    if header.number_of_frames == 1:
        return [fragments] if fragments else []
    if len(fragments) == header.number_of_frames:
        return [[fragment] for fragment in fragments]
    if len(offset_table) != header.number_of_frames or not fragments:
        return []
    # The table counts from the first byte of the first fragment's item.
    first = fragments[0][0] - FRAGMENT_HEADER_BYTES
    index_by_offset = {
        offset - FRAGMENT_HEADER_BYTES - first: n for n, (offset, _) in enumerate(fragments)
    }
    if any(offset not in index_by_offset for offset in offset_table):
        return []
    bounds = [*(index_by_offset[offset] for offset in offset_table), len(fragments)]
    return [fragments[start:stop] for start, stop in pairwise(bounds)]


def _read_fragments(header: DicomFileHeader, offset: int) -> tuple[tuple[int, ...], list[Fragment]]:
    """Return the basic offset table and all fragments up to the delimiter, or the file's end."""
    fragments: list[Fragment] = []
    offset_table: tuple[int, ...] = ()
    with header.path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        is_table = True
        while offset + FRAGMENT_HEADER_BYTES <= size:
            file.seek(offset)
            group, element, length = struct.unpack("<HHL", file.read(FRAGMENT_HEADER_BYTES))
            start = offset + FRAGMENT_HEADER_BYTES
            if group << 16 | element != _ITEM_TAG or start + length > size:
                break
            if is_table:
                offset_table = struct.unpack(f"<{length // 4}L", file.read(length // 4 * 4))
                is_table = False
            else:
                fragments.append((start, length))
            offset = start + length
    return offset_table, fragments
