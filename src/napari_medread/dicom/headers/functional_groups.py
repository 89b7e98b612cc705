"""The functional groups of many frames, without a dataset for each of them.

A segmentation can have tens of thousands of frames, each with a dozen nested elements of which
placing a frame needs four. This module walks over the bytes of the sequence (PS3.5 7.5) and
returns the values of the wanted elements only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from napari_medread.dicom.headers.element_reader import LONG_VRS, UNDEFINED_LENGTH

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

FrameValues = dict[str, bytes]
"""The bytes of the wanted values of one frame, by keyword."""


class BrokenSequence(Exception):
    """The bytes of a sequence are not items and elements."""


def iterate_frame_values(
    dataset: Dataset, keyword: str, groups: tuple[str, ...], wanted: tuple[str, ...]
) -> Iterator[FrameValues]:
    """Yield the wanted values of every item of a sequence of functional groups.

    Parameters
    ----------
    dataset : Dataset
        A header whose sequence has not been converted yet.
    keyword : str
        PerFrameFunctionalGroupsSequence or SharedFunctionalGroupsSequence.
    groups : tuple of str
        Keywords of the sequences in each item to look into; the others are stepped over.
    wanted : tuple of str
        Keywords of the elements in those sequences.

    Raises
    ------
    BrokenSequence
        If an item ends inside an element.
    """
    element: Any = dataset.get_item(BaseTag(tag_for_keyword(keyword) or 0))
    if not isinstance(element, RawDataElement) or not element.value:
        return
    walker = _SequenceWalker(element, groups, wanted)
    try:
        yield from walker.iterate_items()
    except (struct.error, IndexError) as error:
        raise BrokenSequence from error


@dataclass(frozen=True)
class _ItemLayout:
    """The layout of an item: two items are laid out alike if these bytes are equal.

    Attributes
    ----------
    structure : tuple of (int, int, bytes)
        Start and stop of the tags, VRs and lengths within the item, and the bytes there.
    values : tuple of (str, int, int)
        Keyword, start and stop of each wanted value within the item.
    """

    structure: tuple[tuple[int, int, bytes], ...]
    values: tuple[tuple[str, int, int], ...]


class _SequenceWalker:
    """Walks over the items of one sequence.

    Frames are described alike: an item that is laid out as an earlier one is not parsed again.
    """

    def __init__(
        self, element: RawDataElement, groups: tuple[str, ...], wanted: tuple[str, ...]
    ) -> None:
        self._data = element.value or b""
        self._implicit_vr = element.is_implicit_VR
        order = "<" if element.is_little_endian else ">"
        self._unpack_short = struct.Struct(order + "HH2sH").unpack_from
        self._unpack_tag_and_length = struct.Struct(order + "HHL").unpack_from
        self._unpack_long = struct.Struct(order + "L").unpack_from
        self._groups = frozenset(tag_for_keyword(keyword) for keyword in groups)
        self._wanted = {tag_for_keyword(keyword): keyword for keyword in wanted}
        self._layouts: dict[int, _ItemLayout] = {}
        self._parsed: list[tuple[int, int]] = []
        self._found: list[tuple[str, int, int]] = []

    def iterate_items(self) -> Iterator[FrameValues]:
        """Yield the wanted values of every item."""
        at = 0
        while at + 8 <= len(self._data):
            tag, length, at = self._parse(at)
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM:
                raise BrokenSequence
            values = self._match_layout(at, length)
            if values is not None:
                yield values
                at += length
                continue
            self._parsed, self._found = [], []
            start, at = at, self._collect(at, length, is_group=False)
            if length != UNDEFINED_LENGTH:
                self._layouts[length] = self._make_layout(start)
            yield {keyword: self._data[a:b] for keyword, a, b in self._found}

    def _match_layout(self, start: int, length: int) -> FrameValues | None:
        """Return the wanted values of an item that is laid out as an earlier one, else None."""
        layout = self._layouts.get(length)
        if layout is None or start + length > len(self._data):
            return None
        data = self._data
        for a, b, expected in layout.structure:
            if data[start + a : start + b] != expected:
                return None
        return {keyword: data[start + a : start + b] for keyword, a, b in layout.values}

    def _make_layout(self, start: int) -> _ItemLayout:
        """Return the layout of the item that was parsed last."""
        merged: list[list[int]] = []
        for a, b in self._parsed:
            if merged and merged[-1][1] == a:
                merged[-1][1] = b
            else:
                merged.append([a, b])
        return _ItemLayout(
            tuple((a - start, b - start, self._data[a:b]) for a, b in merged),
            tuple((keyword, a - start, b - start) for keyword, a, b in self._found),
        )

    def _parse(self, at: int) -> tuple[int, int, int]:
        """Return tag and length of the element at an offset, and the offset of its value."""
        tag, length, value_offset = self._parse_header(at)
        self._parsed.append((at, value_offset))
        return tag, length, value_offset

    def _parse_header(self, at: int) -> tuple[int, int, int]:
        if not self._implicit_vr:
            group, number, vr, length = self._unpack_short(self._data, at)
            if group != 0xFFFE:
                if vr in LONG_VRS:
                    return group << 16 | number, self._unpack_long(self._data, at + 8)[0], at + 12
                return group << 16 | number, length, at + 8
        group, number, length = self._unpack_tag_and_length(self._data, at)
        return group << 16 | number, length, at + 8

    def _collect(self, at: int, length: int, *, is_group: bool, is_skipped: bool = False) -> int:
        """Find the wanted values of the item at an offset; return the offset after it."""
        end = len(self._data) if length == UNDEFINED_LENGTH else at + length
        if end > len(self._data):
            raise BrokenSequence
        while at < end:
            tag, value_length, at = self._parse(at)
            if tag == _ITEM_END:
                return at
            if not is_group and tag in self._groups:
                at = self._collect_group(at, value_length)
            elif value_length == UNDEFINED_LENGTH:
                at = self._collect_group(at, value_length, is_skipped=True)
            else:
                if is_group and not is_skipped and tag in self._wanted:
                    self._found.append((self._wanted[tag], at, at + value_length))
                at += value_length
                if at > end:
                    raise BrokenSequence
        return at

    def _collect_group(self, at: int, length: int, *, is_skipped: bool = False) -> int:
        """Find the wanted values of the items of a sequence; return the offset after it."""
        end = len(self._data) if length == UNDEFINED_LENGTH else at + length
        while at < end:
            tag, item_length, at = self._parse(at)
            if tag == _SEQUENCE_END:
                return at
            if tag != _ITEM:
                raise BrokenSequence
            at = self._collect(at, item_length, is_group=True, is_skipped=is_skipped)
        return at
