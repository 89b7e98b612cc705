"""The header of NIfTI-1 and NIfTI-2: its fields, and what they say about the voxels.

The names are those of nifti1.h. SimpleITK reads on where a file ends early, and gives pixdim's
spacing to an sform of another; so the header is read and checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_medread.errors import UnreadableFile
from napari_medread.formats.shared.stored_voxels import start_of, unreadable

ByteOrder = Literal["<", ">"]

_ORDERS: tuple[ByteOrder, ByteOrder] = ("<", ">")

NIFTI1 = np.dtype(
    [("sizeof_hdr", "<i4"), ("data_type", "S10"), ("db_name", "S18"), ("extents", "<i4"),
     ("session_error", "<i2"), ("regular", "S1"), ("dim_info", "u1"), ("dim", "<i2", 8),
     ("intent_p1", "<f4"), ("intent_p2", "<f4"), ("intent_p3", "<f4"), ("intent_code", "<i2"),
     ("datatype", "<i2"), ("bitpix", "<i2"), ("slice_start", "<i2"), ("pixdim", "<f4", 8),
     ("vox_offset", "<f4"), ("scl_slope", "<f4"), ("scl_inter", "<f4"), ("slice_end", "<i2"),
     ("slice_code", "u1"), ("xyzt_units", "u1"), ("cal_max", "<f4"), ("cal_min", "<f4"),
     ("slice_duration", "<f4"), ("toffset", "<f4"), ("glmax", "<i4"), ("glmin", "<i4"),
     ("descrip", "S80"), ("aux_file", "S24"), ("qform_code", "<i2"), ("sform_code", "<i2"),
     ("quatern_b", "<f4"), ("quatern_c", "<f4"), ("quatern_d", "<f4"), ("qoffset_x", "<f4"),
     ("qoffset_y", "<f4"), ("qoffset_z", "<f4"), ("srow_x", "<f4", 4), ("srow_y", "<f4", 4),
     ("srow_z", "<f4", 4), ("intent_name", "S16"), ("magic", "S4")]
)  # fmt: skip
"""The 348 bytes of NIfTI-1."""

NIFTI2 = np.dtype(
    [("sizeof_hdr", "<i4"), ("magic", "S8"), ("datatype", "<i2"), ("bitpix", "<i2"),
     ("dim", "<i8", 8), ("intent_p1", "<f8"), ("intent_p2", "<f8"), ("intent_p3", "<f8"),
     ("pixdim", "<f8", 8), ("vox_offset", "<i8"), ("scl_slope", "<f8"), ("scl_inter", "<f8"),
     ("cal_max", "<f8"), ("cal_min", "<f8"), ("slice_duration", "<f8"), ("toffset", "<f8"),
     ("slice_start", "<i8"), ("slice_end", "<i8"), ("descrip", "S80"), ("aux_file", "S24"),
     ("qform_code", "<i4"), ("sform_code", "<i4"), ("quatern_b", "<f8"), ("quatern_c", "<f8"),
     ("quatern_d", "<f8"), ("qoffset_x", "<f8"), ("qoffset_y", "<f8"), ("qoffset_z", "<f8"),
     ("srow_x", "<f8", 4), ("srow_y", "<f8", 4), ("srow_z", "<f8", 4), ("slice_code", "<i4"),
     ("xyzt_units", "<i4"), ("intent_code", "<i4"), ("intent_name", "S16"), ("dim_info", "u1"),
     ("unused_str", "S15")]
)  # fmt: skip
"""The 540 bytes of NIfTI-2."""

DATATYPES: dict[int, str] = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
"""Code of a datatype to numpy's name for it."""

COLOURS = {128: 3, 2304: 4}
"""Codes of RGB24 and RGBA32 to how many bytes a voxel has."""

_OTHER_TYPES = {
    1: "single bits",
    32: "complex numbers",
    1536: "floating point of 128 bits",
    1792: "complex numbers",
    2048: "complex numbers",
}

LABEL, VECTOR = 1002, 1007
"""Codes of intents: numbers of regions, and vectors along the fifth dimension."""

VECTORS = frozenset((1006, VECTOR, 2003, 2004))
"""... displacements, and RGB and RGBA as vectors, besides."""

OTHER_UNITS = {32: ("frequency", "Hz"), 40: ("chemical shift", "ppm"), 48: ("frequency", "rad/s")}
"""Codes of units of a fourth dimension that is not time, with what that makes it."""

_SECRET = frozenset(("sizeof_hdr", "magic", "data_type", "db_name", "extents", "session_error",
                     "regular", "glmax", "glmin", "unused_str"))  # fmt: skip
"""Fields that NIfTI does not use, some of them with a patient's name from ANALYZE."""


@dataclass(frozen=True)
class Header:
    """The header of a NIfTI file, as ``read_header`` has checked it.

    Attributes
    ----------
    path : Path
        The file.
    fields : mapping
        Every field's value, in native types.
    order : str
        Byte order of the file, ``<`` or ``>``.
    packed : bool
        Whether the file is packed by gzip.
    """

    path: Path
    fields: Mapping[str, Any]
    order: ByteOrder
    packed: bool

    def __getitem__(self, field: str) -> Any:
        return self.fields[field]

    def error(self, problem: str) -> UnreadableFile:
        """Return the error that says what is wrong with this file."""
        return unreadable(self.path, problem)

    @property
    def size(self) -> tuple[int, int, int, int, int]:
        """Voxels along x, y, z, the fourth dimension and the fifth."""
        dim = self["dim"]
        x, y, z, t, u = (int(dim[n]) if n <= dim[0] else 1 for n in range(1, 6))
        return x, y, z, t, u

    @property
    def colours(self) -> int:
        """Bytes of a voxel of RGB24 or RGBA32, else 0."""
        return COLOURS.get(int(self["datatype"]), 0)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers in the byte order of the file."""
        name = "u1" if self.colours else DATATYPES[int(self["datatype"])]
        return np.dtype(name).newbyteorder(self.order)

    @property
    def pixdim(self) -> tuple[float, ...]:
        """Distances between voxels along x, y and z in the file's unit, 1 where there is none."""
        steps = (abs(float(n)) for n in self["pixdim"][1:4])
        return tuple(n if np.isfinite(n) and n else 1.0 for n in steps)

    @property
    def scaling(self) -> tuple[float, float] | None:
        """scl_slope and scl_inter where they change values; a slope of 0 says that they do not."""
        slope, inter = float(self["scl_slope"]), float(self["scl_inter"])
        inter = inter if np.isfinite(inter) else 0.0
        if self.colours or slope == 0 or not np.isfinite(slope) or (slope, inter) == (1, 0):
            return None
        return slope, inter

    @property
    def window(self) -> tuple[float, float] | None:
        """cal_min and cal_max where they are a range."""
        low, high = float(self["cal_min"]), float(self["cal_max"])
        return (low, high) if np.isfinite([low, high]).all() and high > low else None

    @property
    def texts(self) -> dict[str, str]:
        """Every field that says something about the image, as text by the names of nifti1.h."""
        found: dict[str, str] = {}
        for name, value in self.fields.items():
            if name in _SECRET:
                continue
            if name in ("dim", "pixdim"):
                found |= {f"{name}[{n}]": _text(each) for n, each in enumerate(value)}
            elif name.startswith("srow"):
                found[name] = " ".join(_text(each) for each in value)
            else:
                found[name] = _text(value)
        return found


def read_header(path: Path) -> Header:
    """Read and check the header of a NIfTI file.

    Raises
    ------
    UnreadableFile
        Where it is none, or any of it would make a wrong picture.
    """
    start, packed = start_of(path, NIFTI2.itemsize)
    kind, order = _kind(path, start)
    if len(start) < kind.itemsize:
        raise unreadable(path, "the file ends inside its header.")
    record = np.frombuffer(start, kind.newbyteorder(order), 1)[0]
    fields = {
        name: record[name].astype(record[name].dtype.newbyteorder("="))
        if isinstance(record[name], np.ndarray)
        else record[name]
        for name in kind.names or ()
    }
    header = Header(path, fields, order, packed)
    _check(header, kind)
    return header


def _kind(path: Path, start: bytes) -> tuple[np.dtype[Any], ByteOrder]:
    """Return the layout of a header and its byte order, by its own first number."""
    for kind in (NIFTI1, NIFTI2):
        for order in _ORDERS:
            if start[:4] == np.array(kind.itemsize, f"{order}i4").tobytes():
                return kind, order
    raise unreadable(path, "this is no NIfTI file.")


def _check(header: Header, kind: np.dtype[Any]) -> None:
    """Refuse what cannot be read, or would make a wrong picture."""
    magic = header["magic"].rstrip(b"\0")
    if magic[:2] == b"ni":
        raise header.error("its voxels are in another file (.img), which is not read.")
    if magic[:2] != b"n+":
        raise header.error("this is no NIfTI file: its header has no magic word (ANALYZE?).")
    dim = header["dim"]
    if not 1 <= dim[0] <= 7 or min(dim[1 : dim[0] + 1]) < 1:
        raise header.error(f"its sizes make no image (dim is {' '.join(map(str, dim))}).")
    if dim[0] < 2 or any(n > 1 for n in dim[6 : dim[0] + 1]):
        raise header.error(f"it has {dim[0]} dimensions; 2 to 5 can be read.")
    code = int(header["datatype"])
    if code in _OTHER_TYPES:
        raise header.error(f"its values are {_OTHER_TYPES[code]}, which cannot be shown.")
    if code not in DATATYPES and code not in COLOURS:
        raise header.error(f"its datatype {code} is unknown.")
    if header.colours and header.size[4] > 1:
        raise header.error("it has both colours and a fifth dimension.")
    offset = float(header["vox_offset"])
    if not kind.itemsize <= offset < 2**62:
        raise header.error(f"its voxels cannot start at byte {offset:g} (vox_offset).")


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.split(b"\0")[0].decode("utf-8", "replace").strip()
    if isinstance(value, np.floating):
        return np.format_float_positional(value, trim="-")
    return str(value)
