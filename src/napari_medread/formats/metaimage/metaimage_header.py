"""The header of a MetaImage: its checked keys, and the type and location of the voxels.

SimpleITK's parser continues with guesses if a header is invalid, hangs on an NDims that is not a
number, and gives no reason. So every key that matters is checked here before SimpleITK parses it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_medread.errors import UnreadableFile
from napari_medread.formats.shared.stored_voxels import make_unreadable_error

_TYPES: dict[str, type[np.generic]] = {
    "MET_CHAR": np.int8,
    "MET_UCHAR": np.uint8,
    "MET_SHORT": np.int16,
    "MET_USHORT": np.uint16,
    "MET_INT": np.int32,
    "MET_UINT": np.uint32,
    "MET_LONG": np.int32,
    "MET_ULONG": np.uint32,
    "MET_LONG_LONG": np.int64,
    "MET_ULONG_LONG": np.uint64,
    "MET_FLOAT": np.float32,
    "MET_DOUBLE": np.float64,
}

ELEMENT_TYPES = {np.dtype(kind): name for name, kind in reversed(_TYPES.items())}
"""Numpy type to the first ElementType of that type."""

LIST_KEYWORD = "LIST"
"""First word of an ElementDataFile that is followed by file names, one per line."""

_MAX_HEADER_BYTES = 1 << 20
"""Number of bytes in which the header must end."""

_REQUIRED = ("NDims", "DimSize", "ElementType", "ElementDataFile")
_INTEGER_KEYS = ("NDims", "ElementNumberOfChannels", "HeaderSize", "CompressedDataSize")
_VECTOR_KEYS = ("DimSize", "ElementSpacing", "ElementSize", "Offset", "Position", "Origin",
             "ImagePosition")  # fmt: skip
_MATRIX_KEYS = ("TransformMatrix", "Rotation", "Orientation")

# float() accepts more than SimpleITK does: 1_000, nan, infinity.
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[-+]?\d+(\.0*)?", re.ASCII)


@dataclass(frozen=True)
class MetaImageHeader:
    """The header of a MetaImage, checked by ``read_metaimage_header``.

    Attributes
    ----------
    path : Path
        The file of the header.
    keys : mapping of str to str
        Every key with its value as written.
    data_offset : int
        Byte at which LOCAL data start in the file.
    listed_files : tuple of str
        The file names after ``ElementDataFile = LIST``.
    """

    path: Path
    keys: Mapping[str, str]
    data_offset: int
    listed_files: tuple[str, ...] = ()

    def error(self, problem: str) -> UnreadableFile:
        """Return an error that names this file and says what is wrong with it."""
        return make_unreadable_error(self.path, problem)

    def is_true(self, *names: str, default: bool = False) -> bool:
        """Return whether the first of some keys that is present is true."""
        value = next((self.keys[name] for name in names if name in self.keys), None)
        return default if value is None else value[:1] in ("T", "t", "1")

    def get_int(self, key: str, default: int) -> int:
        """Return the value of a key as an integer."""
        return int(float(self.keys[key])) if key in self.keys else default

    @property
    def as_text(self) -> dict[str, str]:
        """Every key with its value as written."""
        return dict(self.keys)

    @property
    def ndim(self) -> int:
        """NDims."""
        return self.get_int("NDims", 0)

    @property
    def size(self) -> tuple[int, ...]:
        """DimSize: number of voxels along x, y, z and so on."""
        return tuple(int(float(n)) for n in self.keys["DimSize"].split())

    @property
    def channels(self) -> int:
        """ElementNumberOfChannels."""
        return self.get_int("ElementNumberOfChannels", 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array: the reversed size, then the channels if there are several."""
        return (*self.size[::-1], *((self.channels,) if self.channels > 1 else ()))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values, in the byte order of the file."""
        name = self.keys["ElementType"].removesuffix("_ARRAY")
        is_big_endian = self.is_true("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
        return np.dtype(_TYPES[name]).newbyteorder(">" if is_big_endian else "<")

    @property
    def has_spacing(self) -> bool:
        """Whether the distance between voxels is given, by ElementSpacing or ElementSize."""
        return "ElementSpacing" in self.keys or "ElementSize" in self.keys

    @property
    def is_binary(self) -> bool:
        """BinaryData: whether the values are binary numbers and not text."""
        return self.is_true("BinaryData", default=True)

    @property
    def is_compressed(self) -> bool:
        """CompressedData: whether the values are compressed."""
        return self.is_true("CompressedData")

    @property
    def is_plain(self) -> bool:
        """Whether the values are stored as they are in memory: binary and not compressed."""
        return self.is_binary and not self.is_compressed

    @property
    def is_local(self) -> bool:
        """Whether the data follow the header in the same file."""
        return self.keys["ElementDataFile"] in ("LOCAL", "Local", "local")


def read_metaimage_header(path: Path) -> MetaImageHeader:
    """Read and check the keys of a MetaImage header.

    Keys are case sensitive and separated from their values by ``=`` or ``:``. If a key is
    repeated, the last one is used. Lines without a separator are ignored. ElementDataFile ends
    the header.

    Raises
    ------
    UnreadableFile
        If the file is not a MetaImage, or its header would lead to a wrong image.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_HEADER_BYTES)
    except OSError as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error.strerror}).") from error
    keys: dict[str, str] = {}
    position = 0
    while position < len(content) and "ElementDataFile" not in keys:
        end = content.find(b"\n", position)
        end = len(content) if end < 0 else end
        key, *value = re.split("[=:]", _decode(content[position:end]), maxsplit=1)
        position = end + 1
        if value and key.strip():
            keys[key.strip()] = value[0].strip()
    listed_files: tuple[str, ...] = ()
    if keys.get("ElementDataFile", "").startswith(LIST_KEYWORD):
        lines = _decode(content[position:]).rstrip("\r\n").split("\n")
        listed_files = tuple(line.rstrip("\r") for line in lines)
    header = MetaImageHeader(path, keys, position, listed_files)
    _check(header)
    return header


def _decode(raw: bytes) -> str:
    """Decode a header as UTF-8, or as Latin-1, which older programs write."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _check(header: MetaImageHeader) -> None:
    """Raise if a header is incomplete, or would lead to a wrong image."""
    keys = header.keys
    missing = [key for key in _REQUIRED if not keys.get(key)]
    if missing:
        raise header.error(f"this is not a complete MetaImage header: {missing[0]} is missing.")
    for key in _INTEGER_KEYS:
        if key in keys and not _INTEGER.fullmatch(keys[key]):
            raise header.error(f"{key} must be a whole number, not '{keys[key]}'.")
    if not 2 <= header.ndim <= 4:
        raise header.error(f"NDims is {header.ndim}; 2, 3 and 4 dimensions can be read.")
    for key in _VECTOR_KEYS:
        _check_numbers(header, key, header.ndim)
    for key in _MATRIX_KEYS:
        _check_numbers(header, key, header.ndim**2)
    if len(header.size) != header.ndim:
        raise header.error(f"DimSize '{keys['DimSize']}' does not fit NDims {header.ndim}.")
    if not all(_INTEGER.fullmatch(n) for n in keys["DimSize"].split()) or min(header.size) < 1:
        raise header.error(f"DimSize must be positive whole numbers, not '{keys['DimSize']}'.")
    if header.channels < 1:
        raise header.error(f"ElementNumberOfChannels is {header.channels}; it must be at least 1.")
    spacing = keys.get("ElementSpacing", keys.get("ElementSize", ""))
    if 0.0 in map(float, spacing.split()[: header.ndim]):
        raise header.error(f"the spacing is zero ('{spacing}').")
    if keys["ElementType"].removesuffix("_ARRAY") not in _TYPES:
        raise header.error(f"the ElementType {keys['ElementType']} is unknown.")


def _check_numbers(header: MetaImageHeader, key: str, count: int) -> None:
    """Raise if a key holds too few numbers, or anything else."""
    if key not in header.keys:
        return
    order = list(header.keys)
    if order.index(key) < order.index("NDims"):
        raise header.error(f"{key} comes before NDims, which must come first.")
    words = header.keys[key].split()
    for word in words:
        if not _NUMBER.fullmatch(word) or not math.isfinite(float(word)):
            raise header.error(f"{key} holds '{word}', which is not a finite number.")
    if len(words) < count:
        raise header.error(f"{key} holds {len(words)} numbers, but NDims requires {count}.")
