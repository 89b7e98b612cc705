"""The elements of a header, and finding some of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

_TAG = re.compile(r"(?:0x|\(\s*)?([0-9a-f]{4})\s*[,|; ]?\s*([0-9a-f]{0,4})\s*\)?")
"""A tag as people write it, or the start of one."""

_ITEM = re.compile(r"Item \d+")

_NUMBERS = frozenset(["DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"])
"""VRs whose values are numbers."""

ElementKey = tuple[str | int, ...]
"""Where an element is: tags, and between them the places of items in their sequences."""


@dataclass(frozen=True, slots=True)
class Tag:
    r"""One element of a header, or one item of a sequence.

    Attributes
    ----------
    name : str
        What the standard calls it, or the key of a format that has no tags.
    value : str
        Its value as text; several are divided by ``\``, as in the file. Of binary data only
        the length and the start.
    tag : str
        ``(gggg,eeee)`` in capitals; empty for an item, and for other formats' keys.
    vr : str
        Value representation (PS3.5 6.2).
    keyword : str
        The standard's keyword.
    meaning : str
        The name of a UID that the standard defines.
    creator : str
        Whose private element it is.
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
    _digits: str = field(init=False, repr=False, compare=False)
    _names: str = field(init=False, repr=False, compare=False)
    _values: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # What a search looks at: made once, when the file is read.
        names = f"{self.name}\n{self.keyword}\n{self.creator}".casefold()
        object.__setattr__(self, "_digits", self.tag.strip("()").replace(",", "").lower())
        object.__setattr__(self, "_names", names)
        value = self.value
        if "  " in value or not value.isprintable():  # lines and tabs are typed as spaces
            value = " ".join(value.split())
        object.__setattr__(self, "_values", f"{value}\n{self.meaning}".casefold())

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its values as numbers; empty where they are none."""
        # Keys of formats without VRs divide numbers by spaces.
        words = self.value.split("\\") if self.tag else self.value.split()
        if self.tag and self.vr not in _NUMBERS:
            return ()
        try:
            return tuple(float(word) for word in words)
        except ValueError:
            return ()

    @property
    def is_item(self) -> bool:
        """Whether it is an item of a sequence."""
        return not self.tag and _ITEM.fullmatch(self.name) is not None


class TagQuery:
    """What was typed to find elements by.

    Parameters
    ----------
    text : str
        A tag or its start, as ``0008,0070``, ``(0008|0070)``, ``00080070`` or ``0008 0070``;
        a name or keyword, or words of it; or a part of a value. Capitals do not matter.
        Empty text finds everything.
    """

    def __init__(self, text: str) -> None:
        self._text = " ".join(text.casefold().split())
        self._words = self._text.split()
        self._first = self._words[0] if self._words else ""
        match = _TAG.fullmatch(self._text)
        self._digits = match[1] + match[2] if match else None

    def __bool__(self) -> bool:
        return bool(self._text)

    def finds(self, tag: Tag) -> bool:
        """Tell whether an element is meant, no matter what is inside it."""
        if self._digits is not None and tag._digits.startswith(self._digits):
            return not tag.is_item
        # One word is looked for first: most elements have none of them.
        if self._text not in tag._values and self._first not in tag._names:
            return False
        is_found = self._text in tag._values or all(word in tag._names for word in self._words)
        return is_found and not tag.is_item


class Tags(Sequence[Tag]):
    """The elements of one header, in their order.

    ``tags["Manufacturer"]`` is the element of a keyword, name or tag; ``tags.find("manu")``
    are all that have to do with a text, those inside sequences too.

    Parameters
    ----------
    elements : sequence of Tag
        Those at the top.
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
        for each in self._elements:
            if key in (each.keyword, each.name) or wanted == each.tag:
                return each
        raise KeyError(key)

    def __repr__(self) -> str:
        return f"Tags({len(self)} elements)"  # values may name a patient

    def walk(self) -> Iterator[tuple[ElementKey, Tag]]:
        """Yield every element and item, with where it is, depth first."""
        yield from _walk(self._elements, ())

    def find(self, text: str) -> list[Tag]:
        """Return the elements that a text finds, those inside sequences too; see ``TagQuery``."""
        query = TagQuery(text)
        return [tag for _, tag in self.walk() if query.finds(tag)]

    def at(self, key: ElementKey) -> Tag | None:
        """Return the element at a place that ``walk`` has given, None where there is none."""
        level, found = self._elements, None
        for step in key:
            found = (
                next((tag for tag in level if (tag.tag or tag.name) == step), None)
                if isinstance(step, str)
                else level[step]
                if step < len(level)
                else None
            )
            if found is None:
                return None
            level = found.children
        return found


def make_key_step(tag: Tag, place: int) -> str | int:
    """Return what sets an element apart from its neighbours; for an item its place."""
    return place if tag.is_item else tag.tag or tag.name


def _walk(level: Sequence[Tag], above: ElementKey) -> Iterator[tuple[ElementKey, Tag]]:
    for place, tag in enumerate(level):
        key = (*above, make_key_step(tag, place))
        yield key, tag
        yield from _walk(tag.children, key)
