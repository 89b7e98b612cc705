"""The rows in which a header is shown: made when they are looked at, searched piece by piece.

A header may have hundreds of thousands of elements, in the sequences of a multi-frame object,
while a person sees some twenty of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

from napari_medread.core.tag_elements import ElementKey, Tag, TagQuery, Tags, make_key_step

TOP_LEVEL = -1
"""What the rows at the top are inside of."""

MAX_ROWS_PER_LEVEL = 500
"""More rows than this at one level are put into groups of so many."""

MAX_SHOWN_MATCHES = 500
"""So many of the elements that are found are shown; the others are counted."""

_PIECE = 200
"""So many elements are looked at between two looks at the clock."""


@dataclass(slots=True)
class TagRow:
    """One row.

    Attributes
    ----------
    tag : Tag
        What it shows; of a group of rows only its name.
    key : tuple
        Where that is, as in ``Tags.walk``; a group's key is no element's.
    parent : int
        The number of the row it is in, or ``TOP_LEVEL``.
    place : int
        Its place among the rows of its parent.
    inside : list of int or None
        The numbers of the rows in it; None: not looked at yet.
    group : range or None
        Of a group, which of the elements around it are in it.
    """

    tag: Tag
    key: ElementKey
    parent: int
    place: int
    inside: list[int] | None = None
    group: range | None = None


class TagRows:
    """The rows of a header by their numbers.

    Parameters
    ----------
    tags : sequence of Tag or None
        Those at the top; None where only some are to be shown, which are added.
    """

    def __init__(self, tags: Sequence[Tag] | None = ()) -> None:
        self._rows: list[TagRow] = []
        self._numbers: dict[ElementKey, int] = {}
        self.top: list[int] = [] if tags is None else self._listed(tags, (), TOP_LEVEL)

    def __getitem__(self, number: int) -> TagRow:
        return self._rows[number]

    def inside(self, number: int) -> list[int]:
        """Return the numbers of the rows in a row, or at the top."""
        if number == TOP_LEVEL:
            return self.top
        row = self._rows[number]
        if row.inside is None:
            if row.group is None:
                row.inside = self._listed(row.tag.children, row.key, number)
            else:
                row.inside = self._elements(row.tag.children, row.key[:-1], number, row.group)
        return row.inside

    def has_inside(self, number: int) -> bool:
        """Tell whether there are rows in a row, without making them."""
        row = self._rows[number]
        return bool(row.tag.children if row.inside is None else row.inside)

    def number_at(self, key: ElementKey) -> int | None:
        """Return the number of the row of an element, None where there is none."""
        parent = TOP_LEVEL
        for depth in range(1, len(key) + 1):
            number = self._number_in(parent, key[:depth])
            if number is None:
                return None
            parent = number
        return parent if key else None

    def around(self, number: int) -> list[int]:
        """Return the numbers of the rows that a row is in, the outermost first."""
        found: list[int] = []
        while (number := self._rows[number].parent) != TOP_LEVEL:
            found.insert(0, number)
        return found

    def below(self, number: int, most: int) -> list[int]:
        """Return a row and those below it that have rows in them, as long as it is few rows."""
        found, count = [number], 0
        for each in found:  # which grows meanwhile
            inside = self.inside(each)
            count += len(inside)
            if count > most:
                break
            found += [one for one in inside if self.has_inside(one)]
        return found

    def add(self, tag: Tag, key: ElementKey, parent: int) -> int:
        """Add a row after the others of its parent."""
        level = self.top if parent == TOP_LEVEL else self._rows[parent].inside
        if level is None:
            level = self._rows[parent].inside = []
        number = self._new(TagRow(tag, key, parent, len(level)))
        level.append(number)
        return number

    def _number_in(self, parent: int, key: ElementKey) -> int | None:
        level = self.inside(parent)
        number = self._numbers.get(key)
        if number is not None or not level or self._rows[level[0]].group is None:
            return number
        for group in level:
            held, step = self._rows[group].group, key[-1]
            if held is not None and (isinstance(step, str) or step in held):
                self.inside(group)
        return self._numbers.get(key)

    def _listed(self, level: Sequence[Tag], above: ElementKey, parent: int) -> list[int]:
        """Make the rows of one level; those inside them when they are looked at."""
        if len(level) <= MAX_ROWS_PER_LEVEL:
            return self._elements(level, above, parent, range(len(level)))
        found, every = [], tuple(level)
        for place, first in enumerate(range(0, len(every), MAX_ROWS_PER_LEVEL)):
            held = range(first, min(first + MAX_ROWS_PER_LEVEL, len(every)))
            name = f"{held[0] + 1:,} to {held[-1] + 1:,} of {len(every):,}"
            group = Tag(name, children=every)
            found.append(self._new(TagRow(group, (*above, name), parent, place, group=held)))
        return found

    def _elements(
        self, level: Sequence[Tag], above: ElementKey, parent: int, chosen: range
    ) -> list[int]:
        return [
            self._new(TagRow(level[n], (*above, make_key_step(level[n], n)), parent, place))
            for place, n in enumerate(chosen)
        ]

    def _new(self, row: TagRow) -> int:
        self._rows.append(row)
        self._numbers[row.key] = len(self._rows) - 1
        return len(self._rows) - 1


_NOTHING = Tag("")
"""What the elements at the top are in."""


@dataclass(slots=True)
class _Level:
    """Elements that a search goes through, and what they are in."""

    elements: Iterator[tuple[int, Tag]]
    tag: Tag = _NOTHING
    place: int = 0
    row: int | None = None
    is_found: bool = False
    """Whether they are inside of something that is found, and shown with it."""


class TagSearch:
    """Looks for what a query finds in a header, as long at a time as one can wait.

    Parameters
    ----------
    tags : Tags
        The header.
    query : Query
        What was typed.

    Attributes
    ----------
    rows : Rows
        The elements found by now, with all above and inside them.
    found : int
        How many there are.
    opened : dict of tuple
        The keys of the rows that they are in, in their order.
    """

    def __init__(self, tags: Tags, query: TagQuery) -> None:
        self.rows = TagRows(None)
        self.found = 0
        self.opened: dict[ElementKey, None] = {}
        self._query = query
        self._levels = [_Level(enumerate(tags), row=TOP_LEVEL)]
        self._pieces = self._going()

    @property
    def shown(self) -> int:
        """How many of those found are among the rows."""
        return min(self.found, MAX_SHOWN_MATCHES)

    def go_on(self, seconds: float) -> bool:
        """Look on for some time; tell whether all was looked at."""
        end = perf_counter() + seconds
        return not any(perf_counter() > end for _ in self._pieces)

    def _going(self) -> Iterator[None]:
        """Look at every element, depth first."""
        finds, levels, looked = self._query.finds, self._levels, 0
        while levels:
            level = levels[-1]
            for place, tag in level.elements:
                looked += 1
                if looked % _PIECE == 0:
                    yield
                is_found = finds(tag)
                row = self._add(place, tag) if is_found else None
                if tag.children:
                    inside = level.is_found or is_found
                    levels.append(_Level(enumerate(tag.children), tag, place, row, inside))
                    break
            else:
                levels.pop()

    def _add(self, place: int, tag: Tag) -> int | None:
        """Show what was found; return the number of its row if it is one of its own."""
        self.found += 1
        if self.found > MAX_SHOWN_MATCHES:
            return None
        above: ElementKey = ()
        parent: int | None = TOP_LEVEL
        for level in self._levels[1:]:
            above = (*above, make_key_step(level.tag, level.place))
            self.opened[above] = None
            if level.row is None and not level.is_found and parent is not None:
                level.row = self.rows.add(level.tag, above, parent)
            parent = level.row
        if self._levels[-1].is_found or parent is None:
            return None  # it comes with what it is in
        return self.rows.add(tag, (*above, make_key_step(tag, place)), parent)
