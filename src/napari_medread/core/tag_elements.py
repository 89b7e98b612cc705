"""The elements of a header, and queries that find some of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

_TAG = re.compile(r"(?:0x|\(\s*)?([0-9a-f]{4})\s*[,|; ]?\s*([0-9a-f]{0,4})\s*\)?")
"""A tag as users type it, or the start of one."""

_ITEM = re.compile(r"Item \d+")

_NUMBERS = frozenset(["DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"])
"""Value representations whose values are numbers."""

ElementKey = tuple[str | int, ...]
"""Where an element is: its tag after those of the sequences that contain it, each followed by the
index of the item."""


@dataclass(frozen=True, slots=True)
class Tag:
    r"""One element of a header, or one item of a sequence.

    Attributes
    ----------
    name : str
        Name in the standard, or the key in a header of a format without tags.
    value : str
        Value as text. Several values are separated by ``\``, as in the file. For binary data,
        the length and the first bytes.
    tag : str
        ``(gggg,eeee)`` in capitals; empty for an item, and for the keys of other formats.
    vr : str
        Value representation (PS3.5 6.2).
    keyword : str
        Keyword in the standard.
    meaning : str
        Name of a UID that the standard defines.
    creator : str
        Private creator of a private element.
    children : tuple of Tag
        The items of a sequence; the elements of an item.
    """

    name: str
    value: str = ""
    tag: str = ""
    vr: str = ""
    keyword: str = ""
    meaning: str = ""
    creator: str = ""
    children: tuple[Tag, ...] = ()
    _searchable_digits: str = field(init=False, repr=False, compare=False)
    _searchable_names: str = field(init=False, repr=False, compare=False)
    _searchable_values: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # What a search compares, prepared once when the file is read.
        names = f"{self.name}\n{self.keyword}\n{self.creator}".casefold()
        object.__setattr__(
            self, "_searchable_digits", self.tag.strip("()").replace(",", "").lower()
        )
        object.__setattr__(self, "_searchable_names", names)
        value = self.value
        if "  " in value or not value.isprintable():  # lines and tabs are typed as spaces
            value = " ".join(value.split())
        object.__setattr__(self, "_searchable_values", f"{value}\n{self.meaning}".casefold())

    @property
    def numbers(self) -> tuple[float, ...]:
        """Values as numbers; empty if they are not numbers."""
        # Formats without VRs separate numbers by spaces.
        words = self.value.split("\\") if self.tag else self.value.split()
        if self.tag and self.vr not in _NUMBERS:
            return ()
        try:
            return tuple(float(word) for word in words)
        except ValueError:
            return ()

    @property
    def is_item(self) -> bool:
        """Whether this is an item of a sequence."""
        return not self.tag and _ITEM.fullmatch(self.name) is not None


class TagQuery:
    """A text to search the elements of a header for.

    Parameters
    ----------
    text : str
        A tag or its start, as ``0008,0070``, ``(0008|0070)``, ``00080070`` or ``0008 0070``;
        a name or keyword, or words of it; or a part of a value. Case does not matter. Empty text
        matches everything, and is false as a bool.
    """

    def __init__(self, text: str) -> None:
        self._text = " ".join(text.casefold().split())
        self._words = self._text.split()
        self._first = self._words[0] if self._words else ""
        match = _TAG.fullmatch(self._text)
        self._digits = match[1] + match[2] if match else None

    def __bool__(self) -> bool:
        return bool(self._text)

    def matches(self, tag: Tag) -> bool:
        """Return whether an element matches, regardless of the elements it contains."""
        if self._digits is not None and tag._searchable_digits.startswith(self._digits):
            return not tag.is_item
        # Test one word first: most elements have none of them.
        if self._text not in tag._searchable_values and self._first not in tag._searchable_names:
            return False
        is_match = self._text in tag._searchable_values or all(
            word in tag._searchable_names for word in self._words
        )
        return is_match and not tag.is_item


class Tags(Sequence[Tag]):
    """The elements of one header, in order.

    ``tags["Manufacturer"]`` is the element with this keyword, name or tag.
    ``tags.find("manu")`` is a list of all elements that match a text, including those in sequences.

    Parameters
    ----------
    elements : sequence of Tag
        The elements at the top level.
    """

    def __init__(self, elements: Sequence[Tag] = ()) -> None:
        self._elements = tuple(elements)

    def __len__(self) -> int:
        return len(self._elements)

    @overload
    def __getitem__(self, key: int | str) -> Tag: ...
    @overload
    def __getitem__(self, key: slice) -> Tags: ...
    def __getitem__(self, key: int | str | slice) -> Any:
        if isinstance(key, slice):
            return Tags(self._elements[key])
        if isinstance(key, int):
            return self._elements[key]
        wanted = key.upper()
        for element in self._elements:
            if key in (element.keyword, element.name) or wanted == element.tag:
                return element
        raise KeyError(key)

    def __repr__(self) -> str:
        return f"Tags({len(self)} elements)"  # without values, which may name a patient

    def walk(self) -> Iterator[tuple[ElementKey, Tag]]:
        """Yield every element and item with its key, depth first."""
        yield from _walk(self._elements, ())

    def find(self, text: str) -> list[Tag]:
        """Return the elements, including those in sequences, that match a ``TagQuery``."""
        query = TagQuery(text)
        return [tag for _, tag in self.walk() if query.matches(tag)]

    def at(self, key: ElementKey) -> Tag | None:
        """Return the element with a key, as ``walk`` yields it; None if there is none."""
        level, element = self._elements, None
        for step in key:
            if isinstance(step, str):
                element = next((tag for tag in level if (tag.tag or tag.name) == step), None)
            else:
                element = level[step] if step < len(level) else None
            if element is None:
                return None
            level = element.children
        return element


def make_key_step(tag: Tag, index: int) -> str | int:
    """Return the last part of the key of an element: its tag or name, or the index of an item.

    Parameters
    ----------
    tag : Tag
    index : int
        Its index among the elements or items around it.
    """
    return index if tag.is_item else tag.tag or tag.name


def _walk(level: Sequence[Tag], parent_key: ElementKey) -> Iterator[tuple[ElementKey, Tag]]:
    for index, tag in enumerate(level):
        key = (*parent_key, make_key_step(tag, index))
        yield key, tag
        yield from _walk(tag.children, key)
