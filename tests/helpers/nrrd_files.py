"""NRRD files written line by line."""

import gzip

import numpy as np

from helpers.metaimages import some_pixels

PIXELS = some_pixels((5, 6, 7), "i2")
SERIES = some_pixels((4, 5, 6, 7), "i2")
PLACED = {
    "space": "left-posterior-superior",
    "space directions": "(1.16,0,0) (0,0.7,0) (0,0,2.5)",
    "space origin": "(-41,56,-60)",
    "kinds": "domain domain domain",
}
LPS = np.array([[0, 0, 1.16, -41], [0, 0.7, 0, 56], [2.5, 0, 0, -60], [0, 0, 0, 1]])
TYPES = {"int8": "i1", "uchar": "u1", "signed short int": "i2", "uint16_t": "u2", "int": "i4",
         "unsigned int": "u4", "long long": "i8", "uint64": "u8", "float": "f4",
         "double": "f8"}  # fmt: skip


def save(path, pixels=PIXELS, *keys, data=None, big=False, name=None, **fields):
    """Write an NRRD line by line; None leaves a field out, ``_`` stands for a space."""
    lines = {
        "type": {v: k for k, v in TYPES.items()}[pixels.dtype.str[1:]],
        "dimension": pixels.ndim,
        "sizes": " ".join(map(str, pixels.shape[::-1])),
        "endian": "big" if big else "little",
        "encoding": "raw",
    } | {key.replace("_", " "): value for key, value in fields.items()}
    text = [f"{key}: {value}" for key, value in lines.items() if value is not None]
    header = "\n".join(["NRRD0005", "# a comment", *text, *keys, "", ""]).encode()
    raw = pixels.astype(pixels.dtype.newbyteorder(">" if big else "<")).tobytes()
    if data is None:
        data = {"gzip": gzip.compress, "gz": gzip.compress}.get(lines["encoding"], bytes)(raw)
    if name:
        path.write_bytes(header[:-1])
        path.with_name(name).write_bytes(data)
    else:
        path.write_bytes(header + data)
    return path


def placed(path, pixels=PIXELS, *keys, **fields):
    return save(path, pixels, *keys, **{**PLACED, **fields})
