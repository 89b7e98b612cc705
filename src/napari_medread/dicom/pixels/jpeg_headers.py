"""JPEG streams: what image they are of, in bits, rows, columns and components."""

from __future__ import annotations

import struct

_NO_LENGTH = frozenset([0x01, *range(0xD0, 0xDA)])
"""Second bytes of markers that stand alone: TEM, RST, SOI, EOI."""

_OTHERS = frozenset([0xC4, 0xC8, 0xCC])
"""Markers among those of frames that are none: tables, extensions, conditioning."""

_LS_FRAME = 0xF7
"""Start of a JPEG-LS frame (ITU-T T.87 C.1.1)."""

_J2K_START = b"\xff\x4f\xff\x51"
"""SOC and SIZ of a JPEG 2000 codestream (ITU-T T.800 A.5)."""


def read_jpeg2000_header(stream: bytes) -> tuple[int, int, int, int] | None:
    """Return precision, rows, columns and components of a JPEG 2000 stream; None as below."""
    at = stream.find(_J2K_START)  # after the boxes of a JP2 file, where it is wrapped in one
    if at < 0 or at + 43 > len(stream):
        return None
    right, bottom, left, top = struct.unpack_from(">4L", stream, at + 8)
    components, depth = struct.unpack_from(">HB", stream, at + 40)
    return (depth & 0x7F) + 1, bottom - top, right - left, components


def read_jpeg_header(stream: bytes) -> tuple[int, int, int, int] | None:
    """Return precision, rows, columns and components of a JPEG or JPEG-LS stream (ITU-T T.81 B).

    None where no frame starts before the first scan: it is broken, or no JPEG.
    """
    at = 0
    while at + 4 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        if marker in _NO_LENGTH:
            at += 2
            continue
        if marker == _LS_FRAME or (0xC0 <= marker <= 0xCF and marker not in _OTHERS):
            if at + 10 > len(stream):
                return None
            precision, rows, columns, components = struct.unpack_from(">BHHB", stream, at + 4)
            return precision, rows, columns, components
        at += 2 + int(struct.unpack_from(">H", stream, at + 2)[0])
    return None
