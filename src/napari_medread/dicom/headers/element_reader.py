"""Find selected elements of a DICOM file, and its pixels, without parsing the rest.

A header can hold hundreds of elements, many of them large and private; reading needs a few
dozen. This module steps over the others (PS3.5 7.1) and passes the wanted ones, as raw bytes, to
pydicom, which converts a value when it is asked for.
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

_CHUNK_BYTES = 1 << 16
"""Smallest number of bytes that are read from a file at once."""

UNDEFINED_LENGTH = 0xFFFFFFFF
"""Length of a value that ends with a delimiter instead (PS3.5 7.1.3)."""

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_TRANSFER_SYNTAX_UID = 0x00020010
_SPECIFIC_CHARACTER_SET = 0x00080005

PIXEL_KEYWORDS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData",
                  0x7FE00010: "PixelData"}  # fmt: skip
"""Keywords of the elements that hold pixels, by tag. A header is read up to the first of them."""

# VRs whose length takes four bytes, after two that are reserved (PS3.5 7.1.2).
LONG_VRS = frozenset([b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN",
                       b"UR", b"UT", b"UV"])  # fmt: skip
_SHORT_VRS = frozenset([b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS",
                        b"LO", b"LT", b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL",
                        b"US"])  # fmt: skip


class TruncatedFile(Exception):
    """A file ends inside an element."""


@dataclass(frozen=True)
class PixelLocation:
    """Where the pixels of a file are.

    Attributes
    ----------
    keyword : str
        Keyword of the element that holds them.
    offset : int
        Offset of the element's value in bytes: in the file or, if that is deflated, in the
        inflated dataset.
    length : int or None
        Length of the value in bytes; None if it is encapsulated (PS3.5 A.4).
    available : int
        Number of bytes from ``offset`` to the end of the file or of the inflated dataset.
    """

    keyword: str
    offset: int
    length: int | None
    available: int


@dataclass
class HeaderElements:
    """The wanted elements of one file.

    Attributes
    ----------
    dataset : Dataset
        The elements, their values not yet converted.
    transfer_syntax : UID
        The transfer syntax that the file declares, else the one its elements are written in.
    pixels : PixelLocation or None
        Where the pixels are; None if the file has none.
    has_preamble : bool
        Whether the file has a preamble (PS3.10 7.1) and is not a bare dataset.
    """

    dataset: Dataset
    transfer_syntax: UID
    pixels: PixelLocation | None
    has_preamble: bool


class _FileStart:
    """The first bytes of a file, read in chunks as they are needed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size
        self.data = b""

    def __enter__(self) -> _FileStart:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read_to(self, end: int) -> bytes:
        """Return at least the first ``end`` bytes; raise ``TruncatedFile`` if there are fewer."""
        if end > len(self.data):
            if end > self.size:
                raise TruncatedFile
            # Doubling keeps the number of copies small for headers of many megabytes.
            target = min(max(end, 2 * len(self.data), _CHUNK_BYTES), self.size)
            self.data += self._file.read(target - len(self.data))
            if end > len(self.data):
                raise TruncatedFile
        return self.data

    def inflate(self, start: int) -> None:
        """Replace the bytes with the dataset that is deflated from ``start`` on (PS3.5 A.5)."""
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(self.read_to(self.size)[start:])
        self.data, self.size = data, len(data)


class _ElementParser:
    """Parses tags, VRs and lengths of elements in one encoding, and steps over their values."""

    def __init__(self, source: _FileStart, *, implicit_vr: bool, little_endian: bool) -> None:
        self.source = source
        self.implicit_vr, self.little_endian = implicit_vr, little_endian
        order = "<" if little_endian else ">"
        self._unpack_tag_and_length = struct.Struct(order + "HHL").unpack_from
        self._unpack_short = struct.Struct(order + "H").unpack_from
        self._unpack_long = struct.Struct(order + "L").unpack_from

    def parse_element(self, at: int, implicit_vr: bool) -> tuple[int, bytes | None, int, int]:
        """Return tag, VR, length and value offset of the element at an offset.

        The VR is None if the element is in implicit VR.
        """
        data = self.source.data
        if at + 12 > len(data):
            # The last element of a file may have no value, and so only eight bytes.
            data = self.source.read_to(min(at + 12, max(self.source.size, at + 8)))
        group, number, length = self._unpack_tag_and_length(data, at)
        tag = group << 16 | number
        vr = data[at + 4 : at + 6]
        if implicit_vr or group == 0xFFFE:
            return tag, None, length, at + 8
        if vr in _SHORT_VRS:
            return tag, vr, self._unpack_short(data, at + 6)[0], at + 8
        if vr in LONG_VRS:
            return tag, vr, self._unpack_long(data, at + 8)[0], at + 12
        if vr.isalpha() and vr.isupper() and data[at + 6 : at + 8] == b"\0\0":
            # VRs that are added to the standard later have the form of UN (PS3.5 7.1.2).
            long_length = self._unpack_long(data, at + 8)[0]
            if long_length == UNDEFINED_LENGTH or at + 12 + long_length <= self.source.size:
                return tag, b"UN", long_length, at + 12
        return tag, None, length, at + 8  # some writers change to implicit VR inside a dataset

    def find_end(self, vr: bytes | None, length: int, value_offset: int, implicit_vr: bool) -> int:
        """Return the offset just after an element: after its value and any delimiter."""
        if length != UNDEFINED_LENGTH:
            return value_offset + length
        # UN of undefined length is a sequence in implicit VR (PS3.5 6.2.2).
        return self._skip_items(value_offset, implicit_vr or vr in (None, b"UN"))

    def _skip_items(self, at: int, implicit_vr: bool) -> int:
        """Return the offset after a sequence of undefined length, from that of its first item."""
        while True:
            tag, _, length, at = self.parse_element(at, implicit_vr)
            if tag == _SEQUENCE_END:
                return at
            if tag != _ITEM:
                raise TruncatedFile
            if length != UNDEFINED_LENGTH:
                at += length
            else:
                at = self._skip_elements(at, implicit_vr)

    def _skip_elements(self, at: int, implicit_vr: bool) -> int:
        """Return the offset after an item of undefined length, from that of its first element."""
        while True:
            tag, vr, length, value_offset = self.parse_element(at, implicit_vr)
            if tag == _ITEM_END:
                return value_offset
            at = self.find_end(vr, length, value_offset, implicit_vr)


def read_elements(path: Path, wanted: Container[int]) -> HeaderElements:
    """Read the wanted top-level elements of a file, and find its pixels.

    Parameters
    ----------
    path : Path
        A DICOM file, with or without a preamble.
    wanted : container of int
        Tags, as ``0xGGGGEEEE``. Elements that follow the pixels are not read.

    Raises
    ------
    TruncatedFile
        If the file ends inside its header.
    OSError
        If the file cannot be read.
    zlib.error
        If the dataset is deflated and damaged.
    """
    with _FileStart(path) as source:
        start = source.read_to(min(132, source.size))
        has_preamble = start[128:132] == b"DICM"
        at = 132 if has_preamble else 0
        declared, at = _read_transfer_syntax(source, at)
        if declared == DeflatedExplicitVRLittleEndian:
            source.inflate(at)
            at = 0
        parser = _make_parser(source, at, declared)
        dataset, pixels = _collect_elements(parser, at, wanted)
    transfer_syntax = declared or (
        ImplicitVRLittleEndian if parser.implicit_vr
        else ExplicitVRLittleEndian if parser.little_endian
        else ExplicitVRBigEndian
    )  # fmt: skip
    return HeaderElements(dataset, transfer_syntax, pixels, has_preamble)


def _read_transfer_syntax(source: _FileStart, at: int) -> tuple[UID | None, int]:
    """Return TransferSyntaxUID of the file meta information, and the offset where that ends."""
    parser = _ElementParser(source, implicit_vr=False, little_endian=True)
    transfer_syntax = None
    while at + 8 <= source.size:
        tag, vr, length, value_offset = parser.parse_element(at, implicit_vr=False)
        if tag >> 16 != 0x0002:
            break
        at = parser.find_end(vr, length, value_offset, implicit_vr=False)
        if tag == _TRANSFER_SYNTAX_UID:
            text = source.read_to(at)[value_offset:at].decode("ascii", "replace").strip("\0 ")
            transfer_syntax = UID(text, validation_mode=config.IGNORE)
    return transfer_syntax, at


def _make_parser(source: _FileStart, at: int, declared: UID | None) -> _ElementParser:
    """Return a parser for the dataset that starts at an offset.

    Its first element decides between implicit and explicit VR, as some files declare the other.
    """
    if at + 8 > source.size:
        return _ElementParser(source, implicit_vr=True, little_endian=True)
    first = source.read_to(at + 8)[at : at + 8]
    little_endian = declared != ExplicitVRBigEndian if declared else first[0] != 0
    implicit_vr = first[4:6] not in _SHORT_VRS | LONG_VRS
    return _ElementParser(source, implicit_vr=implicit_vr, little_endian=little_endian)


def _collect_elements(
    parser: _ElementParser, at: int, wanted: Container[int]
) -> tuple[Dataset, PixelLocation | None]:
    """Return the wanted elements between an offset and the pixels, and where the pixels are."""
    elements: dict[BaseTag, DataElement | RawDataElement] = {}
    source, implicit_vr = parser.source, parser.implicit_vr
    pixels = None
    encodings: str | list[str] | None = None
    while at + 8 <= source.size:
        tag, vr, length, value_offset = parser.parse_element(at, implicit_vr)
        if tag in PIXEL_KEYWORDS:
            pixels = PixelLocation(
                PIXEL_KEYWORDS[tag], value_offset, None if length == UNDEFINED_LENGTH else length,
                source.size - value_offset,
            )  # fmt: skip
            break
        at = parser.find_end(vr, length, value_offset, implicit_vr)
        if tag not in wanted:
            continue
        # A delimiter of eight bytes follows a value of undefined length and is not part of it.
        value_end = at - 8 if length == UNDEFINED_LENGTH else at
        raw = source.read_to(at)[value_offset:value_end]
        if tag == _SPECIFIC_CHARACTER_SET:
            encodings = _find_encodings(raw)
        key = BaseTag(tag)
        elements[key] = RawDataElement(
            key, vr.decode() if vr else None, len(raw), raw, value_offset,
            implicit_vr or vr == b"UN", parser.little_endian,
        )  # fmt: skip
    if pixels is None and at != source.size:
        raise TruncatedFile
    dataset = Dataset(elements)
    dataset.set_original_encoding(implicit_vr, parser.little_endian, encodings)
    return dataset, pixels


def _find_encodings(raw: bytes) -> list[str]:
    """Return Python's encodings for a SpecificCharacterSet; the default one for unknown terms."""
    with tolerant_pydicom:
        text = raw.decode("ascii", "replace").strip("\0 ").replace("\0", "?")
        return convert_encodings(text.split("\\"))
