"""The header of NIfTI-1 and NIfTI-2: its checked fields, and the type and size of the voxels.

The field names are those of nifti1.h. The header is read here because SimpleITK accepts truncated
files, and gives an sform the spacing of pixdim if the two differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_medread.errors import UnreadableFile
from napari_medread.formats.shared.stored_voxels import (
    make_unreadable_error,
    read_decompressed_start,
)

ByteOrder = Literal["<", ">"]

_BYTE_ORDERS: tuple[ByteOrder, ByteOrder] = ("<", ">")

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
"""The NIfTI-1 header, 348 bytes."""

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
"""The NIfTI-2 header, 540 bytes."""

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
"""``datatype`` code to the name of the numpy type."""

COLOUR_DATATYPES = {128: 3, 2304: 4}
"""``datatype`` codes of RGB24 and RGBA32 to the number of bytes of a voxel."""

_UNSUPPORTED_DATATYPES = {
    1: "single bits",
    32: "complex numbers",
    1536: "floating point of 128 bits",
    1792: "complex numbers",
    2048: "complex numbers",
}

LABEL_INTENT, VECTOR_INTENT = 1002, 1007
"""``intent_code`` of label maps, and of vectors along the fifth dimension."""

VECTOR_INTENTS = frozenset((1006, VECTOR_INTENT, 2003, 2004))
"""``intent_code`` of all vectors: also displacements, and RGB and RGBA as vectors."""

SPECTRAL_UNITS = {
    32: ("frequency", "Hz"),
    40: ("chemical shift", "ppm"),
    48: ("frequency", "rad/s"),
}
"""Unit code of a fourth dimension that is not time, to its axis label and unit."""

_OMITTED_FIELDS = frozenset(
    ("sizeof_hdr", "magic", "data_type", "db_name", "extents", "session_error", "regular",
     "glmax", "glmin", "unused_str")
)  # fmt: skip
"""Fields that NIfTI does not use; ANALYZE stored the patient's name in some of them."""


@dataclass(frozen=True)
class NiftiHeader:
    """The header of a NIfTI file, checked by ``read_nifti_header``.

    Attributes
    ----------
    path : Path
        The file.
    fields : mapping
        The value of every field, in native byte order.
    byte_order : str
        Byte order of the file, ``<`` or ``>``.
    is_compressed : bool
        Whether the file is compressed by gzip.
    """

    path: Path
    fields: Mapping[str, Any]
    byte_order: ByteOrder
    is_compressed: bool

    def __getitem__(self, field: str) -> Any:
        return self.fields[field]

    def error(self, problem: str) -> UnreadableFile:
        """Return an error that names this file and says what is wrong with it."""
        return make_unreadable_error(self.path, problem)

    @property
    def size(self) -> tuple[int, int, int, int, int]:
        """Number of voxels along x, y, z, the fourth and the fifth dimension."""
        dim = self["dim"]
        x, y, z, t, u = (int(dim[n]) if n <= dim[0] else 1 for n in range(1, 6))
        return x, y, z, t, u

    @property
    def colours(self) -> int:
        """Number of bytes of an RGB24 or RGBA32 voxel; 0 for other types."""
        return COLOUR_DATATYPES.get(int(self["datatype"]), 0)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values, in the byte order of the file."""
        name = "u1" if self.colours else DATATYPES[int(self["datatype"])]
        return np.dtype(name).newbyteorder(self.byte_order)

    @property
    def pixdim(self) -> tuple[float, ...]:
        """Spacing along x, y and z in the file's unit; 1 where none is given."""
        steps = (abs(float(n)) for n in self["pixdim"][1:4])
        return tuple(n if np.isfinite(n) and n else 1.0 for n in steps)

    @property
    def scaling(self) -> tuple[float, float] | None:
        """scl_slope and scl_inter if they change the values; a slope of 0 means no scaling."""
        slope, inter = float(self["scl_slope"]), float(self["scl_inter"])
        inter = inter if np.isfinite(inter) else 0.0
        if self.colours or slope == 0 or not np.isfinite(slope) or (slope, inter) == (1, 0):
            return None
        return slope, inter

    @property
    def window(self) -> tuple[float, float] | None:
        """cal_min and cal_max if they are a valid range."""
        low, high = float(self["cal_min"]), float(self["cal_max"])
        return (low, high) if np.isfinite([low, high]).all() and high > low else None

    @property
    def as_text(self) -> dict[str, str]:
        """Every field that NIfTI uses, as text, by its name in nifti1.h."""
        texts: dict[str, str] = {}
        for name, value in self.fields.items():
            if name in _OMITTED_FIELDS:
                continue
            if name in ("dim", "pixdim"):
                texts |= {f"{name}[{n}]": _format_value(each) for n, each in enumerate(value)}
            elif name.startswith("srow"):
                texts[name] = " ".join(_format_value(each) for each in value)
            else:
                texts[name] = _format_value(value)
        return texts


def read_nifti_header(path: Path) -> NiftiHeader:
    """Read and check the header of a NIfTI file.

    Raises
    ------
    UnreadableFile
        If the file is not NIfTI, or its header would lead to a wrong image.
    """
    start, is_compressed = read_decompressed_start(path, NIFTI2.itemsize)
    layout, byte_order = _detect_layout(path, start)
    if len(start) < layout.itemsize:
        raise make_unreadable_error(path, "the file ends inside its header.")
    record = np.frombuffer(start, layout.newbyteorder(byte_order), 1)[0]
    fields = {
        name: record[name].astype(record[name].dtype.newbyteorder("="))
        if isinstance(record[name], np.ndarray)
        else record[name]
        for name in layout.names or ()
    }
    header = NiftiHeader(path, fields, byte_order, is_compressed)
    _check(header, layout)
    return header


def _detect_layout(path: Path, start: bytes) -> tuple[np.dtype[Any], ByteOrder]:
    """Return the layout and byte order of a header, from its own size in its first field."""
    for layout in (NIFTI1, NIFTI2):
        for byte_order in _BYTE_ORDERS:
            if start[:4] == np.array(layout.itemsize, f"{byte_order}i4").tobytes():
                return layout, byte_order
    raise make_unreadable_error(path, "this is not a NIfTI file.")


def _check(header: NiftiHeader, layout: np.dtype[Any]) -> None:
    """Raise if a file cannot be read, or would lead to a wrong image."""
    magic = header["magic"].rstrip(b"\0")
    if magic[:2] == b"ni":
        raise header.error("its voxels are in a separate .img file, which cannot be read.")
    if magic[:2] != b"n+":
        raise header.error("this is not a NIfTI file: its header has no magic string (ANALYZE?).")
    dim = header["dim"]
    if not 1 <= dim[0] <= 7 or min(dim[1 : dim[0] + 1]) < 1:
        raise header.error(f"its size is invalid (dim is {' '.join(map(str, dim))}).")
    if dim[0] < 2 or any(n > 1 for n in dim[6 : dim[0] + 1]):
        raise header.error(f"it has {dim[0]} dimensions; 2 to 5 can be read.")
    code = int(header["datatype"])
    if code in _UNSUPPORTED_DATATYPES:
        raise header.error(f"its values are {_UNSUPPORTED_DATATYPES[code]}, which cannot be shown.")
    if code not in DATATYPES and code not in COLOUR_DATATYPES:
        raise header.error(f"its datatype {code} is unknown.")
    if header.colours and header.size[4] > 1:
        raise header.error("it has both colours and a fifth dimension.")
    offset = float(header["vox_offset"])
    if not layout.itemsize <= offset < 2**62:
        raise header.error(f"its voxels cannot start at byte {offset:g} (vox_offset).")


def _format_value(value: object) -> str:
    if isinstance(value, bytes):
        return value.split(b"\0")[0].decode("utf-8", "replace").strip()
    if isinstance(value, np.floating):
        return np.format_float_positional(value, trim="-")
    return str(value)
