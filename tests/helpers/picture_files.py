"""Write pictures that Pillow and tifffile would not write."""

import struct
import zlib


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def deep_png(pixels, *, per_metre=None):
    """Return a PNG of 16 bits a sample, of 1 to 4 samples (PNG 11.2.2)."""
    rows, columns, samples = pixels.shape
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[samples]
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    density = struct.pack(">IIB", *per_metre, 1) if per_metre else None
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 16, colour_type, 0, 0, 0))
        + (_chunk(b"pHYs", density) if density else b"")
        + _chunk(b"IDAT", zlib.compress(lines))
        + _chunk(b"IEND", b"")
    )
