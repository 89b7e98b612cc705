"""A writer of PNG pictures whose bytes do not depend on a compressor."""

import heapq
import struct
import zlib
from pathlib import Path

import numpy as np


def huffman_lengths(counts: list[int]) -> list[int]:
    """Return the code length of every symbol; rare ones are rounded up to stay below 16 bits."""
    # A code of 16 bits takes a total of the 18th Fibonacci number, 2584, times the rarest count.
    least = -(-sum(counts) // 2048)
    heap = [(max(n, least), i, (i,)) for i, n in enumerate(counts)]
    heapq.heapify(heap)
    lengths = [0] * len(counts)
    order = len(counts)
    while len(heap) > 1:
        n0, _, first = heapq.heappop(heap)
        n1, _, second = heapq.heappop(heap)
        for symbol in first + second:
            lengths[symbol] += 1
        heapq.heappush(heap, (n0 + n1, order, first + second))
        order += 1
    return lengths


def deflate(data: bytes) -> bytes:
    """Compress to a zlib stream, the same everywhere.

    The compressors that Python may be linked with differ in their output, so this packs the
    bytes with one Huffman code and no repeats.
    """
    symbols = [*data, 256]
    counts = [0] * 257
    for symbol in symbols:
        counts[symbol] += 1
    lengths = huffman_lengths(counts)
    codes: dict[int, str] = {}
    code = 0
    for length in range(1, 16):
        for symbol, own in enumerate(lengths):
            if own == length:
                codes[symbol] = f"{code:0{length}b}"
                code += 1
        code <<= 1

    def number(value: int, bits: int) -> str:
        return f"{value:0{bits}b}"[::-1]

    # One last block with its own code: 257 literals, 2 distances (unused), and the lengths
    # themselves written in four plain bits each (16 of the 19 length symbols, 4 bits long).
    head = "1" + number(2, 2) + number(0, 5) + number(1, 5) + number(15, 4)
    head += number(0, 3) * 3 + number(4, 3) * 16
    head += "".join(f"{length:04b}" for length in [*lengths, 1, 1])
    bits = head + "".join([codes[symbol] for symbol in symbols])
    bits += "0" * (-len(bits) % 8)
    packed = int(bits[::-1], 2).to_bytes(len(bits) // 8, "little")
    return b"\x78\x01" + packed + struct.pack(">I", zlib.adler32(data))


def write_png(path: Path, picture: np.ndarray, pixels_per_metre: int) -> None:
    """Write an RGB picture with its resolution, each pixel as difference to a neighbour."""
    wide = picture.astype(np.int32)
    left = np.pad(wide, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    above = np.pad(wide, ((1, 0), (0, 0), (0, 0)))[:-1]
    corner = np.pad(wide, ((1, 0), (1, 0), (0, 0)))[:-1, :-1]
    # Paeth's filter: the neighbour that is nearest to a plane through all three.
    to_left, to_above = np.abs(above - corner), np.abs(left - corner)
    to_corner = np.abs(left + above - 2 * corner)
    near = np.where(to_above <= to_corner, above, corner)
    near = np.where((to_left <= to_above) & (to_left <= to_corner), left, near)
    rest = (wide - near) & 255
    paeth_filter = np.full((len(rest), 1), 4)
    rows = np.concatenate([paeth_filter, rest.reshape(len(rest), -1)], axis=1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = picture.shape[:2]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"pHYs", struct.pack(">IIB", pixels_per_metre, pixels_per_metre, 1))
        + chunk(b"IDAT", deflate(rows.astype(np.uint8).tobytes()))
        + chunk(b"IEND", b"")
    )
