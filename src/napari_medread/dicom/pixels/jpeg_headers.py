"""Headers of JPEG, JPEG-LS and JPEG 2000 streams: the image that each stream says it holds."""

from __future__ import annotations

import struct
from typing import NamedTuple

_STANDALONE_MARKERS = frozenset([0x01, *range(0xD0, 0xDA)])
"""Second bytes of markers without a length: TEM, RST, SOI, EOI (ITU-T T.81 B.1.1.3)."""

_TABLE_MARKERS = frozenset([0xC4, 0xC8, 0xCC])
"""Markers between those of frames that start no frame: DHT, JPG, DAC."""

_JPEG_LS_FRAME_MARKER = 0xF7
"""Start of a JPEG-LS frame (ITU-T T.87 C.1.1)."""

_JPEG_2000_START = b"\xff\x4f\xff\x51"
"""SOC and SIZ of a JPEG 2000 codestream (ITU-T T.800 A.5)."""

_SIZ_BYTES = 43
"""Bytes from SOC to the depth of the first component."""


class StreamHeader(NamedTuple):
    """The image in a JPEG stream.

    Attributes
    ----------
    precision : int
        Bits per sample.
    rows, columns : int
        Its size.
    components : int
        Samples per pixel.
    """

    precision: int
    rows: int
    columns: int
    components: int


def read_jpeg2000_header(stream: bytes) -> StreamHeader | None:
    """Return the header of a JPEG 2000 stream; None where it is cut short or something else."""
    # Some streams are wrongly wrapped in a JP2 file: its boxes come first.
    start = stream.find(_JPEG_2000_START)
    if start < 0 or start + _SIZ_BYTES > len(stream):
        return None
    right, bottom, left, top = struct.unpack_from(">4L", stream, start + 8)
    components, depth = struct.unpack_from(">HB", stream, start + 40)
    return StreamHeader((depth & 0x7F) + 1, bottom - top, right - left, components)


def read_jpeg_header(stream: bytes) -> StreamHeader | None:
    """Return the header of a JPEG or JPEG-LS stream (ITU-T T.81 B).

    None where no frame starts before the first scan: the stream is broken, or something else.
    """
    offset = 0
    while offset + 4 <= len(stream) and stream[offset] == 0xFF:
        marker = stream[offset + 1]
        if marker == 0xFF:  # fill byte
            offset += 1
            continue
        if marker in _STANDALONE_MARKERS:
            offset += 2
            continue
        is_frame = 0xC0 <= marker <= 0xCF and marker not in _TABLE_MARKERS
        if is_frame or marker == _JPEG_LS_FRAME_MARKER:
            if offset + 10 > len(stream):
                return None
            return StreamHeader(*struct.unpack_from(">BHHB", stream, offset + 4))
        offset += 2 + int(struct.unpack_from(">H", stream, offset + 2)[0])
    return None
