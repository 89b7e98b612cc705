"""The header of an NRRD: its checked fields and keys, and the type and size of the voxels.

The names are those of the definition of the format (teem.sourceforge.net/nrrd/format.html).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.errors import UnreadableFile
from napari_medread.formats.shared.stored_voxels import make_unreadable_error

_SPELLINGS = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long",
           "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}  # fmt: skip
_TYPES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings}

TYPE_NAMES = {
    np.dtype("i1"): "int8",
    np.dtype("u1"): "uint8",
    np.dtype("i2"): "int16",
    np.dtype("u2"): "uint16",
    np.dtype("i4"): "int32",
    np.dtype("u4"): "uint32",
    np.dtype("i8"): "int64",
    np.dtype("u8"): "uint64",
    np.dtype("f4"): "float",
    np.dtype("f8"): "double",
}
"""Numpy type to its name in NRRD."""

_SYNONYMS = {
    "datafile": "data file",
    "lineskip": "line skip",
    "byteskip": "byte skip",
    "centerings": "centers",
    "axismins": "axis mins",
    "axismaxs": "axis maxs",
    "blocksize": "block size",
    "oldmin": "old min",
    "oldmax": "old max",
    "sampleunits": "sample units",
}

FIELD_NAMES = frozenset(
    ("type", "dimension", "sizes", "encoding", "endian", "content", "min", "max", "number",
     "space", "space dimension", "space directions", "space origin", "space units", "kinds",
     "spacings", "thicknesses", "labels", "units", "measurement frame", *_SYNONYMS.values())
)  # fmt: skip
"""Names of all fields of a header; all others are keys."""

_PATIENT_SPACES = {
    "right-anterior-superior": "RAS",
    "left-anterior-superior": "LAS",
    "left-posterior-superior": "LPS",
    "right-anterior-superior-time": "RAST",
    "left-anterior-superior-time": "LAST",
    "left-posterior-superior-time": "LPST",
}
"""Long names of the spaces of the patient, to their short names."""

SPACE_TO_LPS_SIGNS = {"LPS": (1, 1, 1), "RAS": (-1, -1, 1), "LAS": (1, -1, 1)}
"""Space of the patient to the signs that convert its x, y and z to LPS."""

_SPACE_DIMENSIONS = {
    **{name: len(short) for long, short in _PATIENT_SPACES.items()
       for name in (long, short.lower())},
    **{f"{name}{end}": 3 + bool(end) for name in ("scanner-xyz", "3d-right-handed",
                                                   "3d-left-handed") for end in ("", "-time")},
}  # fmt: skip
"""Name of a space to its number of dimensions."""

_MAX_HEADER_BYTES = 1 << 22
"""Number of bytes in which the header must end."""

_VECTOR = re.compile(r"none|\(([^()]*)\)", re.IGNORECASE)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class NrrdHeader:
    """The header of an NRRD, checked by ``read_nrrd_header``.

    Attributes
    ----------
    path : Path
        The file of the header.
    fields : mapping of str to str
        Every field, by its standard name in lower case.
    keys : mapping of str to str
        Every key that the writing program added.
    data_offset : int
        Byte at which data in the same file start.
    """

    path: Path
    fields: Mapping[str, str]
    keys: Mapping[str, str]
    data_offset: int

    def error(self, problem: str) -> UnreadableFile:
        """Return an error that names this file and says what is wrong with it."""
        return make_unreadable_error(self.path, problem)

    @property
    def as_text(self) -> dict[str, str]:
        """Every field and key with its value as written."""
        return {**self.fields, **self.keys}

    @property
    def sizes(self) -> tuple[int, ...]:
        """Length of each axis, fastest axis first."""
        return tuple(int(word) for word in self.fields["sizes"].split())

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values, in the byte order of the file."""
        dtype = np.dtype(_TYPES[self.fields["type"].lower()])
        return dtype.newbyteorder(">" if self.fields.get("endian", "").lower() == "big" else "<")

    @property
    def encoding(self) -> str:
        """Encoding of the values: ``raw``, ``gzip``, ``ascii`` and so on."""
        name = self.fields["encoding"].lower()
        return {"gz": "gzip", "text": "ascii", "txt": "ascii"}.get(name, name)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each axis, in lower case; empty where it is not given."""
        words = self.fields.get("kinds", "").lower().split()
        words = ["" if word in ("???", "none") else word for word in words]
        return tuple([*words, *[""] * len(self.sizes)][: len(self.sizes)])

    @property
    def patient_space(self) -> str:
        """``LPS``, ``RAS`` or ``LAS``, then ``T`` for time; empty if not a space of the patient."""
        name = self.fields.get("space", "").lower()
        return _PATIENT_SPACES.get(
            name, name.upper() if name.upper() in _PATIENT_SPACES.values() else ""
        )

    @property
    def space_dimension(self) -> int:
        """Number of components of a direction; 0 without a space."""
        if "space" in self.fields:
            return _SPACE_DIMENSIONS[self.fields["space"].lower()]
        return int(self.fields.get("space dimension", 0))

    @cached_property
    def directions(self) -> tuple[NDArray[np.float64] | None, ...]:
        """Vector of each axis, None for axes that are not in space; empty without a space."""
        return self._vectors("space directions")

    @cached_property
    def origin(self) -> NDArray[np.float64]:
        """Centre of the first voxel; zero if it is not given."""
        vectors = self._vectors("space origin")
        if vectors and vectors[0] is not None:
            return vectors[0]
        return np.zeros(self.space_dimension)

    @property
    def measurement_frame(self) -> tuple[NDArray[np.float64], ...]:
        """The frame in which vectors such as gradients are given; empty if there is none."""
        return tuple(v for v in self._vectors("measurement frame") if v is not None)

    def _vectors(self, field: str) -> tuple[NDArray[np.float64] | None, ...]:
        vectors: list[NDArray[np.float64] | None] = []
        for match in _VECTOR.finditer(self.fields.get(field, "")):
            numbers = match[1].split(",") if match[1] is not None else []
            vector = np.array([_parse_number(number) for number in numbers])
            is_none = not numbers or (np.isnan(vector).all() and len(vector) > 0)
            vectors.append(None if is_none else vector)
        return tuple(vectors)

    @property
    def spacings(self) -> tuple[float, ...]:
        """Spacing of each axis if there is no space; NaN where it is not known."""
        words = [_parse_number(word) for word in self.fields.get("spacings", "").split()]
        return tuple([*words, *[math.nan] * len(self.sizes)][: len(self.sizes)])

    def strings(self, field: str) -> tuple[str, ...]:
        """Return the quoted strings of a field, one per axis; empty strings if it is missing."""
        words = [match[1] for match in _STRING.finditer(self.fields.get(field, ""))]
        return tuple([*words, *[""] * len(self.sizes)][: len(self.sizes)])


def read_nrrd_header(path: Path) -> NrrdHeader:
    """Read and check the header of an NRRD.

    Raises
    ------
    UnreadableFile
        If the file is not an NRRD, or its header would lead to a wrong image.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_HEADER_BYTES)
    except OSError as error:
        raise make_unreadable_error(
            path, f"cannot be opened ({error.strerror or error})."
        ) from error
    if not re.match(rb"NRRD000[1-5]\r?\n", content):
        raise make_unreadable_error(path, "this is not an NRRD file.")
    fields: dict[str, str] = {}
    keys: dict[str, str] = {}
    position = content.index(b"\n") + 1
    while position < len(content):
        end = content.find(b"\n", position)
        end = len(content) if end < 0 else end
        line = _decode(content[position:end]).removesuffix("\r")
        position = end + 1
        if not line:
            break
        match = re.match(r"([^:]+?)\s*(:=|:\s)\s*(.*)", line)
        if line.startswith("#") or not match:
            continue
        if match[2] == ":=":
            keys[match[1]] = re.sub(r"\\([n\\])", _unescape, match[3])
            continue
        name = match[1].lower()
        fields[_SYNONYMS.get(name, name)] = match[3].strip()
        if _SYNONYMS.get(name, name) == "data file" and match[3].startswith("LIST"):
            break
    header = NrrdHeader(path, fields, keys, position)
    _check(header)
    return header


def _unescape(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else "\\"


def _decode(raw: bytes) -> str:
    """Decode a header as UTF-8, or as Latin-1, which older programs write."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _parse_number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan


def _check(header: NrrdHeader) -> None:
    """Raise if a header is incomplete, or would lead to a wrong image."""
    fields = header.fields
    missing = [name for name in ("type", "dimension", "sizes", "encoding") if not fields.get(name)]
    if missing:
        raise header.error(f"this is not a complete NRRD header: {missing[0]} is missing.")
    words = fields["sizes"].split()
    if not all(re.fullmatch(r"\d{1,18}", word) and int(word) > 0 for word in words):
        raise header.error(f"its sizes must be positive whole numbers, not '{fields['sizes']}'.")
    if fields["dimension"] != str(len(words)):
        raise header.error(f"its sizes '{fields['sizes']}' do not fit {fields['dimension']} axes.")
    if fields["type"].lower() not in _TYPES:
        raise header.error(f"its type {fields['type']} is unknown.")
    if header.dtype.itemsize > 1 and header.encoding not in ("ascii", "hex"):
        endian = fields.get("endian", "").lower()
        if endian not in ("little", "big"):
            raise header.error("it does not say the byte order (endian).")
    for name in ("kinds", "spacings"):
        if name in fields and len(fields[name].split()) != len(words):
            raise header.error(f"its {name} '{fields[name]}' do not fit {len(words)} axes.")
    _check_space(header)


def _check_space(header: NrrdHeader) -> None:
    """Raise if the space is unknown, or its vectors do not fit it."""
    fields, axes = header.fields, len(header.sizes)
    if "space" in fields and fields["space"].lower() not in _SPACE_DIMENSIONS:
        raise header.error(f"its space '{fields['space']}' is unknown.")
    if not re.fullmatch(r"[1-8]", fields.get("space dimension", "1")):
        raise header.error(f"its space dimension is '{fields['space dimension']}'.")
    if "space directions" in fields and len(header.directions) != axes:
        raise header.error(f"its space directions are not one for each of {axes} axes.")
    vectors = [v for v in (*header.directions, header.origin) if v is not None]
    if any(len(vector) != header.space_dimension for vector in vectors):
        raise header.error("its directions and origin do not fit the dimension of its space.")
    if not all(np.isfinite(vector).all() for vector in vectors):
        raise header.error("its directions and origin hold numbers that are not finite.")
