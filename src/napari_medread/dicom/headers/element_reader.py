"""Find a few elements of a DICOM file, and its pixels, without parsing the rest.

A header can hold hundreds of elements, many of them large and private; reading needs a
few dozen. This module steps over the rest (PS3.5 7.1) and hands the wanted ones, as raw
bytes, to pydicom to interpret.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from pydicom import config
from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom

_CHUNK = 1 << 16
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_TRANSFER_SYNTAX = 0x00020010
_CHARACTER_SET = 0x00080005

PIXEL_TAGS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData",
              0x7FE00010: "PixelData"}  # fmt: skip

# VRs whose length takes four bytes, after two that are reserved (PS3.5 7.1.2).
_LONG_VRS = frozenset([b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN",
                       b"UR", b"UT", b"UV"])  # fmt: skip
_SHORT_VRS = frozenset([b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS",
                        b"LO", b"LT", b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL",
                        b"US"])  # fmt: skip


class TruncatedFile(Exception):
    """The file ends inside an element."""


@dataclass(frozen=True)
class PixelLocation:
    """Where a file's pixels are.

    Attributes
    ----------
    keyword : str
        The element that holds them.
    offset : int
        Of the first byte of its value, in the file, or in the inflated dataset of a
        deflated one.
    length : int or None
        Bytes of its value; None where it is encapsulated (PS3.5 A.4).
    available : int
        Bytes from there to the end.
    """

    keyword: str
    offset: int
    length: int | None
    available: int


@dataclass
class HeaderElements:
    """The wanted elements of one file."""

    dataset: Dataset
    syntax: UID
    pixels: PixelLocation | None
    has_preamble: bool


class _Bytes:
    """A file's bytes from its start, read in chunks as far as they are asked for."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size
        self.data = b""

    def __enter__(self) -> _Bytes:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def upto(self, end: int) -> bytes:
        """Return the bytes, at least ``end`` of them, or raise ``TruncatedFile``."""
        if end > len(self.data):
            if end > self.size:
                raise TruncatedFile
            # Doubling keeps the number of copies small for headers of many megabytes.
            want = min(max(end, 2 * len(self.data), _CHUNK), self.size) - len(self.data)
            self.data += self._file.read(want)
            if end > len(self.data):
                raise TruncatedFile
        return self.data

    def inflate(self, start: int) -> None:
        """Replace the bytes by what is deflated from ``start`` on (PS3.5 A.5)."""
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(self.upto(self.size)[start:])
        self.data, self.size = data, len(data)


class _Walker:
    """Steps through the elements of a dataset in one encoding."""

    def __init__(self, source: _Bytes, *, implicit: bool, little: bool) -> None:
        self.source, self.implicit, self.little = source, implicit, little
        order = "<" if little else ">"
        self._tag_and_length = struct.Struct(order + "HHL").unpack_from
        self._short = struct.Struct(order + "H").unpack_from
        self._long = struct.Struct(order + "L").unpack_from

    def element(self, at: int, implicit: bool) -> tuple[int, bytes | None, int, int]:
        """Return tag, VR, length and value offset of the element at an offset."""
        data = self.source.data
        if at + 12 > len(data):
            # The last element of a file may be empty, of eight bytes.
            data = self.source.upto(min(at + 12, max(self.source.size, at + 8)))
        group, number, length = self._tag_and_length(data, at)
        tag = group << 16 | number
        vr = data[at + 4 : at + 6]
        if implicit or group == 0xFFFE:
            return tag, None, length, at + 8
        if vr in _SHORT_VRS:
            return tag, vr, self._short(data, at + 6)[0], at + 8
        if vr in _LONG_VRS:
            return tag, vr, self._long(data, at + 8)[0], at + 12
        if vr.isalpha() and vr.isupper() and data[at + 6 : at + 8] == b"\0\0":
            # A VR that is not known here has this form, as UN has (PS3.5 7.1.2).
            long = self._long(data, at + 8)[0]
            if long == _UNDEFINED or at + 12 + long <= self.source.size:
                return tag, b"UN", long, at + 12
        return tag, None, length, at + 8  # some writers slip into implicit VR

    def end(self, vr: bytes | None, length: int, value: int, implicit: bool) -> int:
        """Return the offset just after an element's value."""
        if length != _UNDEFINED:
            return value + length
        # An UN of undefined length is a sequence in implicit VR (PS3.5 6.2.2).
        return self._skip_items(value, implicit or vr in (None, b"UN"))

    def _skip_items(self, at: int, implicit: bool) -> int:
        while True:
            tag, _, length, at = self.element(at, implicit)
            if tag == _SEQUENCE_END:
                return at
            if tag != _ITEM:
                raise TruncatedFile
            at = at + length if length != _UNDEFINED else self._skip_elements(at, implicit)

    def _skip_elements(self, at: int, implicit: bool) -> int:
        while True:
            tag, vr, length, value = self.element(at, implicit)
            if tag == _ITEM_END:
                return value
            at = self.end(vr, length, value, implicit)


def read_elements(path: Path, wanted: Container[int]) -> HeaderElements:
    """Read the wanted top-level elements of a file, and find its pixels.

    Parameters
    ----------
    path : Path
        A DICOM file, with or without a preamble.
    wanted : container of int
        Tags, as ``0xGGGGEEEE``.

    Raises
    ------
    Truncated
        Where the file ends inside its header.
    OSError
        Where it cannot be read.
    """
    with _Bytes(path) as source:
        start = source.upto(min(132, source.size))
        has_preamble = start[128:132] == b"DICM"
        at = 132 if has_preamble else 0
        declared, at = _meta_syntax(source, at)
        if declared == DeflatedExplicitVRLittleEndian:
            source.inflate(at)
            at = 0
        walker = _walker(source, at, declared)
        dataset, pixels = _collect(walker, at, wanted)
    syntax = declared or (
        ImplicitVRLittleEndian if walker.implicit
        else ExplicitVRLittleEndian if walker.little
        else ExplicitVRBigEndian
    )  # fmt: skip
    return HeaderElements(dataset, syntax, pixels, has_preamble)


def _meta_syntax(source: _Bytes, at: int) -> tuple[UID | None, int]:
    """Return the transfer syntax of the file meta information, and where it ends."""
    walker = _Walker(source, implicit=False, little=True)
    syntax = None
    while at + 8 <= source.size:
        tag, vr, length, value = walker.element(at, implicit=False)
        if tag >> 16 != 0x0002:
            break
        at = walker.end(vr, length, value, implicit=False)
        if tag == _TRANSFER_SYNTAX:
            text = source.upto(at)[value:at].decode("ascii", "replace").strip("\0 ")
            syntax = UID(text, validation_mode=config.IGNORE)
    return syntax, at


def _walker(source: _Bytes, at: int, declared: UID | None) -> _Walker:
    """Choose the encoding of the dataset by its first element, as some files declare another."""
    if at + 8 > source.size:
        return _Walker(source, implicit=True, little=True)
    first = source.upto(at + 8)[at : at + 8]
    little = declared != ExplicitVRBigEndian if declared else first[0] != 0
    return _Walker(source, implicit=first[4:6] not in _SHORT_VRS | _LONG_VRS, little=little)


def _collect(
    walker: _Walker, at: int, wanted: Container[int]
) -> tuple[Dataset, PixelLocation | None]:
    found: dict[BaseTag, DataElement | RawDataElement] = {}
    source, implicit = walker.source, walker.implicit
    pixels = None
    encoding: str | list[str] | None = None
    while at + 8 <= source.size:
        tag, vr, length, value = walker.element(at, implicit)
        if tag in PIXEL_TAGS:
            pixels = PixelLocation(PIXEL_TAGS[tag], value, None if length == _UNDEFINED else length,
                            source.size - value)  # fmt: skip
            break
        at = walker.end(vr, length, value, implicit)
        if tag not in wanted:
            continue
        # Undefined length ends with a delimiter of eight bytes, which is none of the value.
        stop = at - 8 if length == _UNDEFINED else at
        raw = source.upto(at)[value:stop]
        if tag == _CHARACTER_SET:
            encoding = _encodings(raw)
        key = BaseTag(tag)
        found[key] = RawDataElement(
            key, vr.decode() if vr else None, len(raw), raw, value,
            implicit or vr == b"UN", walker.little,
        )  # fmt: skip
    if pixels is None and at != source.size:
        raise TruncatedFile
    dataset = Dataset(found)
    dataset.set_original_encoding(implicit, walker.little, encoding)
    return dataset, pixels


def _encodings(raw: bytes) -> list[str]:
    """Return the encodings that SpecificCharacterSet names; the default for what it can't."""
    with tolerant_pydicom:
        text = raw.decode("ascii", "replace").strip("\0 ").replace("\0", "?")
        return convert_encodings(text.split("\\"))
