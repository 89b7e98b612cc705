"""The header of a MetaImage: its keys, checked, and what they say about the pixels.

SimpleITK's parser guesses on where a header is wrong, hangs on an NDims that is no number,
and gives no reason. So every key that matters is checked here before SimpleITK sees it.
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
from napari_medread.formats.shared.stored_voxels import unreadable

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
"""Type to the first ElementType that means it."""

LIST = "LIST"
"""Start of an ElementDataFile that is followed by file names, one a line."""

_LONGEST_HEADER = 1 << 20
"""Bytes after which a file without ElementDataFile is no MetaImage."""

_REQUIRED = ("NDims", "DimSize", "ElementType", "ElementDataFile")
_WHOLE = ("NDims", "ElementNumberOfChannels", "HeaderSize", "CompressedDataSize")
_PER_AXIS = ("DimSize", "ElementSpacing", "ElementSize", "Offset", "Position", "Origin",
             "ImagePosition")  # fmt: skip
_PER_AXIS_PAIR = ("TransformMatrix", "Rotation", "Orientation")

# float() takes more than SimpleITK does: 1_000, nan, infinity.
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[-+]?\d+(\.0*)?", re.ASCII)


@dataclass(frozen=True)
class Header:
    """The header of a MetaImage, as ``read_header`` has checked it.

    Attributes
    ----------
    path : Path
        The header's file.
    keys : mapping of str to str
        Every key with its value as written.
    data_offset : int
        Where LOCAL data start in the file.
    listed : tuple of str
        The file names after ``ElementDataFile = LIST``, one a line.
    """

    path: Path
    keys: Mapping[str, str]
    data_offset: int
    listed: tuple[str, ...] = ()

    def error(self, problem: str) -> UnreadableFile:
        """Return the error that says what is wrong with this file."""
        return unreadable(self.path, problem)

    def flag(self, *names: str, default: bool = False) -> bool:
        """Tell whether the first of some keys that is there is true."""
        value = next((self.keys[name] for name in names if name in self.keys), None)
        return default if value is None else value[:1] in ("T", "t", "1")

    def whole(self, key: str, default: int) -> int:
        """Return a key's value as a whole number."""
        return int(float(self.keys[key])) if key in self.keys else default

    @property
    def ndim(self) -> int:
        """NDims."""
        return self.whole("NDims", 0)

    @property
    def size(self) -> tuple[int, ...]:
        """DimSize: voxels along x, y, z and so on."""
        return tuple(int(float(n)) for n in self.keys["DimSize"].split())

    @property
    def channels(self) -> int:
        """ElementNumberOfChannels."""
        return self.whole("ElementNumberOfChannels", 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array: the size reversed, then the channels if there are several."""
        return (*self.size[::-1], *((self.channels,) if self.channels > 1 else ()))

    @property
    def dtype(self) -> np.dtype[Any]:
        """ElementType in the byte order of the file."""
        name = self.keys["ElementType"].removesuffix("_ARRAY")
        big = self.flag("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
        return np.dtype(_TYPES[name]).newbyteorder(">" if big else "<")

    @property
    def has_spacing(self) -> bool:
        """Whether the distance between voxels is given, by ElementSpacing or ElementSize."""
        return "ElementSpacing" in self.keys or "ElementSize" in self.keys

    @property
    def is_binary(self) -> bool:
        """BinaryData: whether the numbers are bytes and not text."""
        return self.flag("BinaryData", default=True)

    @property
    def is_compressed(self) -> bool:
        """CompressedData."""
        return self.flag("CompressedData")

    @property
    def is_plain(self) -> bool:
        """Whether the numbers lie in the file as they do in memory."""
        return self.is_binary and not self.is_compressed

    @property
    def is_local(self) -> bool:
        """Whether the data follow the header in its own file."""
        return self.keys["ElementDataFile"] in ("LOCAL", "Local", "local")


def read_header(path: Path) -> Header:
    """Read and check the keys of a MetaImage header.

    Keys are case sensitive and divided from values by ``=`` or ``:``; the last of equal
    keys holds; lines with neither mark are passed over; ElementDataFile ends the header.

    Raises
    ------
    UnreadableFile
        Where it is none, or any of it would make a wrong picture.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_LONGEST_HEADER)
    except OSError as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error.strerror}).") from error
    keys: dict[str, str] = {}
    at = 0
    while at < len(start) and "ElementDataFile" not in keys:
        end = start.find(b"\n", at)
        end = len(start) if end < 0 else end
        key, *value = re.split("[=:]", _text(start[at:end]), maxsplit=1)
        at = end + 1
        if value and key.strip():
            keys[key.strip()] = value[0].strip()
    listed: tuple[str, ...] = ()
    if keys.get("ElementDataFile", "").startswith(LIST):
        lines = _text(start[at:]).rstrip("\r\n").split("\n")
        listed = tuple(line.rstrip("\r") for line in lines)
    header = Header(path, keys, at, listed)
    _check(header)
    return header


def _text(raw: bytes) -> str:
    """Decode as the programs that write headers do: UTF-8, or an old Windows page."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _check(header: Header) -> None:
    """Refuse a header that is incomplete, or whose picture would be wrong."""
    keys = header.keys
    missing = [key for key in _REQUIRED if not keys.get(key)]
    if missing:
        raise header.error(f"this is no complete MetaImage header: {missing[0]} is missing.")
    for key in _WHOLE:
        if key in keys and not _INTEGER.fullmatch(keys[key]):
            raise header.error(f"{key} must be a whole number, not '{keys[key]}'.")
    if not 2 <= header.ndim <= 4:
        raise header.error(f"NDims is {header.ndim}; 2, 3 and 4 dimensions can be read.")
    for key in _PER_AXIS:
        _check_numbers(header, key, header.ndim)
    for key in _PER_AXIS_PAIR:
        _check_numbers(header, key, header.ndim**2)
    if len(header.size) != header.ndim:
        raise header.error(f"DimSize '{keys['DimSize']}' does not fit NDims {header.ndim}.")
    if not all(_INTEGER.fullmatch(n) for n in keys["DimSize"].split()) or min(header.size) < 1:
        raise header.error(f"DimSize must be whole numbers from 1 up, not '{keys['DimSize']}'.")
    if header.channels < 1:
        raise header.error(f"ElementNumberOfChannels is {header.channels}; there must be one.")
    spacing = keys.get("ElementSpacing", keys.get("ElementSize", ""))
    if 0.0 in map(float, spacing.split()[: header.ndim]):
        raise header.error(f"the spacing is zero ('{spacing}').")
    if keys["ElementType"].removesuffix("_ARRAY") not in _TYPES:
        raise header.error(f"the ElementType {keys['ElementType']} is unknown.")


def _check_numbers(header: Header, key: str, count: int) -> None:
    """Refuse a key that holds too few numbers, or something else."""
    if key not in header.keys:
        return
    order = list(header.keys)
    if order.index(key) < order.index("NDims"):
        raise header.error(f"{key} comes before NDims, which must be first.")
    words = header.keys[key].split()
    for word in words:
        if not _NUMBER.fullmatch(word) or not math.isfinite(float(word)):
            raise header.error(f"{key} holds '{word}', which is not a finite number.")
    if len(words) < count:
        raise header.error(f"{key} holds {len(words)} numbers where NDims asks for {count}.")
