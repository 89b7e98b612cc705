"""The headers of one series in little memory, as bytes and numbers instead of objects.

The headers of a series differ in a few values only: position, number, time. One header is kept for
each set of attributes that occurs, and for every file the values that differ from it. This saves
memory, and Python's garbage collector, which stops every thread, from visiting millions of objects.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from napari_medread.dicom.headers.element_reader import PIXEL_KEYWORDS, PixelLocation
from napari_medread.dicom.headers.header_scan import DicomFileHeader

_PIXEL_KEYWORDS = tuple(PIXEL_KEYWORDS.values())

_LOCATION = struct.Struct("<bqqq")
"""Pixels of a file: index of the keyword, offset, length and available bytes; -1 for none."""

_DIFFERENCE = struct.Struct("<HL")
"""A value that differs from the template's: index of its element, and length; bytes follow."""

_NO_VALUE = 0xFFFFFFFF
"""Length of a value that is None, which no bytes follow."""

_Element = DataElement | RawDataElement


@dataclass(eq=False)
class _Template:
    """A header, for which others that have the same attributes are kept as differences."""

    number: int
    header: DicomFileHeader
    elements: tuple[_Element, ...]
    by_tag: dict[BaseTag, _Element]
    original_encoding: tuple[Any, Any]
    character_set: Any


class PackedHeaders:
    """Headers to which others can be appended, and which are unpacked together.

    Attributes
    ----------
    paths : list of Path
        The file of each header.
    """

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self._packed: list[bytes] = []
        self._template_numbers: list[int] = []
        self._templates: list[_Template] = []
        self._templates_by_key: dict[Hashable, _Template] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def append(self, header: DicomFileHeader) -> None:
        """Add a header. What it holds is shared, so it must not be changed."""
        elements = tuple(header.dataset.values())
        key = _make_key(header, elements)
        template = self._templates_by_key.get(key)
        if template is None:
            template = _make_template(len(self._templates), header)
            self._templates.append(template)
            self._templates_by_key[key] = template
        self._packed.append(_pack(header.pixels, elements, template.elements))
        self._template_numbers.append(template.number)
        self.paths.append(header.path)  # last: the others are complete by its length

    def unpack(self, count: int | None = None) -> list[DicomFileHeader]:
        """Return the first headers, or all of them, in the order in which they were added."""
        return [self._unpack_header(n) for n in range(len(self) if count is None else count)]

    def _unpack_header(self, index: int) -> DicomFileHeader:
        template, packed = self._templates[self._template_numbers[index]], self._packed[index]
        by_tag = template.by_tag.copy()
        at = _LOCATION.size
        while at < len(packed):
            number, length = _DIFFERENCE.unpack_from(packed, at)
            at += _DIFFERENCE.size
            value = None if length == _NO_VALUE else packed[at : at + length]
            length = len(value or b"")
            at += length
            element = template.elements[number]
            assert isinstance(element, RawDataElement)  # noqa: S101  (others never differ)
            by_tag[element.tag] = element._replace(value=value, length=length)
        dataset = Dataset(by_tag)
        implicit_vr, little_endian = template.original_encoding
        dataset.set_original_encoding(implicit_vr, little_endian, template.character_set)
        return replace(
            template.header,
            path=self.paths[index],
            dataset=dataset,
            pixels=_unpack_location(packed),
        )


def _make_template(number: int, header: DicomFileHeader) -> _Template:
    """Return a header as a template, in which its own path and pixels are not kept."""
    dataset = header.dataset
    by_tag = dict(dataset.items())
    return _Template(
        number,
        replace(header, path=Path(), dataset=Dataset(), pixels=None),
        tuple(by_tag.values()),
        by_tag,
        dataset.original_encoding,
        dataset.original_character_set,
    )


def _make_key(header: DicomFileHeader, elements: Sequence[_Element]) -> Hashable:
    """Return what must be equal for two headers to differ in the values of raw elements alone."""
    dataset = header.dataset
    raw = [element for element in elements if isinstance(element, RawDataElement)]
    converted = [
        (n, *_make_converted_key(element))
        for n, element in enumerate(elements)
        if isinstance(element, DataElement)
    ]
    # By column, and the tags as bytes: pydicom compares tags one by one in Python.
    tags, vrs, _, _, _, are_implicit, are_little, *_ = zip(*raw, strict=True) if raw else [()] * 7
    return (
        header.transfer_syntax,
        header.has_preamble,
        dataset.original_encoding,
        str(dataset.original_character_set),
        struct.pack(f"<{len(tags)}L", *tags),
        vrs,
        are_implicit,
        are_little,
        tuple(converted),
    )


def _make_converted_key(element: DataElement) -> tuple[Any, ...]:
    """Return a key of an element that was converted already, so that its bytes are gone.

    Only values that are told apart by their text may be shared.
    """
    value = element.value
    is_simple = isinstance(value, int | float | str | bytes) or value is None
    return int(element.tag), element.VR, type(value), repr(value) if is_simple else id(element)


def _pack(
    pixels: PixelLocation | None, elements: Sequence[_Element], shared: Sequence[_Element]
) -> bytes:
    """Return the location of pixels, and the values that differ from the shared ones."""
    if pixels is None:
        parts = [_LOCATION.pack(-1, 0, 0, 0)]
    else:
        length = -1 if pixels.length is None else pixels.length
        keyword = _PIXEL_KEYWORDS.index(pixels.keyword)
        parts = [_LOCATION.pack(keyword, pixels.offset, length, pixels.available)]
    for n, (element, template) in enumerate(zip(elements, shared, strict=True)):
        value: Any = element.value
        if value == template.value or not isinstance(element, RawDataElement):
            continue
        length = _NO_VALUE if value is None else len(value)
        parts += [_DIFFERENCE.pack(n, length), bytes(value or b"")]
    return b"".join(parts)


def _unpack_location(packed: bytes) -> PixelLocation | None:
    keyword, offset, length, available = _LOCATION.unpack_from(packed)
    if keyword < 0:
        return None
    return PixelLocation(
        _PIXEL_KEYWORDS[keyword], offset, None if length < 0 else length, available
    )
