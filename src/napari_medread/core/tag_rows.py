"""The rows in which a header is shown: created on demand, and searched step by step.

A header may have hundreds of thousands of elements, in the sequences of a multi-frame object,
while the user sees some twenty of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

from napari_medread.core.tag_elements import ElementKey, Tag, TagQuery, Tags, make_key_step

TOP_LEVEL = -1
"""Parent of the rows that are in no other row."""

MAX_ROWS_PER_LEVEL = 500
"""A level with more rows is split into groups of this many."""

MAX_SHOWN_MATCHES = 500
"""Number of matches of a search that get rows; all matches are counted."""

ELEMENTS_PER_STEP = 200
"""Number of elements that a search tests before it looks at the clock."""


@dataclass(slots=True)
class TagRow:
    """One row.

    Attributes
    ----------
    tag : Tag
        The element or item it shows; for a group of rows, only its name.
    key : ElementKey
        Where the element is, as in ``Tags.walk``; the key of a group belongs to no element.
    parent : int
        Number of the row that contains it, or ``TOP_LEVEL``.
    position : int
        Its position among the rows of its parent, from 0.
    children : list of int or None
        Numbers of the rows it contains; None if they were not created yet.
    group_range : range or None
        For a group of rows, which children of the element it contains; else None.
    """

    tag: Tag
    key: ElementKey
    parent: int
    position: int
    children: list[int] | None = None
    group_range: range | None = None


class TagRows:
    """The rows of a header, by number.

    Parameters
    ----------
    tags : sequence of Tag or None
        The elements at the top level; None to start without rows and ``add`` some.

    Attributes
    ----------
    top_level : list of int
        Numbers of the rows that are in no other row.
    """

    def __init__(self, tags: Sequence[Tag] | None = ()) -> None:
        self._rows: list[TagRow] = []
        self._numbers: dict[ElementKey, int] = {}
        self.top_level: list[int] = [] if tags is None else self._create_level(tags, (), TOP_LEVEL)

    def __getitem__(self, number: int) -> TagRow:
        return self._rows[number]

    def get_children(self, number: int) -> list[int]:
        """Return the numbers of the rows in a row or at ``TOP_LEVEL``, creating them first."""
        if number == TOP_LEVEL:
            return self.top_level
        row = self._rows[number]
        if row.children is None:
            tags = row.tag.children
            if row.group_range is None:
                row.children = self._create_level(tags, row.key, number)
            else:
                row.children = self._create_rows(tags, row.key[:-1], number, row.group_range)
        return row.children

    def has_children(self, number: int) -> bool:
        """Return whether there are rows in a row, without creating them."""
        row = self._rows[number]
        return bool(row.tag.children if row.children is None else row.children)

    def find_number(self, key: ElementKey) -> int | None:
        """Return the number of the row of an element, None if there is none."""
        parent = TOP_LEVEL
        for depth in range(1, len(key) + 1):
            number = self._find_number_in(parent, key[:depth])
            if number is None:
                return None
            parent = number
        return parent if key else None

    def find_ancestors(self, number: int) -> list[int]:
        """Return the numbers of the rows that contain a row, the outermost first."""
        ancestors: list[int] = []
        while (number := self._rows[number].parent) != TOP_LEVEL:
            ancestors.insert(0, number)
        return ancestors

    def find_expandable(self, number: int, max_rows: int) -> list[int]:
        """Return the row and those below it that contain rows, so that all can be expanded.

        Parameters
        ----------
        number : int
            Number of the row.
        max_rows : int
            Stop where expanding them would show more rows than this.
        """
        expandable, count = [number], 0
        for parent in expandable:  # the list grows in the loop
            children = self.get_children(parent)
            count += len(children)
            if count > max_rows:
                break
            expandable += [child for child in children if self.has_children(child)]
        return expandable

    def add(self, tag: Tag, key: ElementKey, parent: int) -> int:
        """Add a row after the others of its parent, and return its number."""
        level = self.top_level if parent == TOP_LEVEL else self._rows[parent].children
        if level is None:
            level = self._rows[parent].children = []
        number = self._append(TagRow(tag, key, parent, len(level)))
        level.append(number)
        return number

    def _find_number_in(self, parent: int, key: ElementKey) -> int | None:
        """Return the number of the row with a key in a parent, creating its rows as needed."""
        level = self.get_children(parent)
        number = self._numbers.get(key)
        if number is not None or not level or self._rows[level[0]].group_range is None:
            return number
        for group in level:
            group_range, step = self._rows[group].group_range, key[-1]
            if group_range is not None and (isinstance(step, str) or step in group_range):
                self.get_children(group)
        return self._numbers.get(key)

    def _create_level(self, tags: Sequence[Tag], parent_key: ElementKey, parent: int) -> list[int]:
        """Create the rows of one level, in groups if there are many; not those in them."""
        if len(tags) <= MAX_ROWS_PER_LEVEL:
            return self._create_rows(tags, parent_key, parent, range(len(tags)))
        numbers, children = [], tuple(tags)
        for position, first in enumerate(range(0, len(children), MAX_ROWS_PER_LEVEL)):
            group_range = range(first, min(first + MAX_ROWS_PER_LEVEL, len(children)))
            name = f"{group_range[0] + 1:,} to {group_range[-1] + 1:,} of {len(children):,}"
            group = Tag(name, children=children)
            row = TagRow(group, (*parent_key, name), parent, position, group_range=group_range)
            numbers.append(self._append(row))
        return numbers

    def _create_rows(
        self, tags: Sequence[Tag], parent_key: ElementKey, parent: int, indices: range
    ) -> list[int]:
        return [
            self._append(
                TagRow(tags[n], (*parent_key, make_key_step(tags[n], n)), parent, position)
            )
            for position, n in enumerate(indices)
        ]

    def _append(self, row: TagRow) -> int:
        self._rows.append(row)
        self._numbers[row.key] = len(self._rows) - 1
        return len(self._rows) - 1


@dataclass(slots=True)
class _SearchLevel:
    """A level of the header that a search is in, and the element that contains it.

    Attributes
    ----------
    elements : iterator
        The elements still to be searched, with their indices.
    tag : Tag
        The element that contains them; one without a name for the top level.
    index : int
        Its index in its own level.
    row : int or None
        Number of its row, None if it has none yet.
    is_shown : bool
        Whether the elements are in a match, and are shown with it.
    """

    elements: Iterator[tuple[int, Tag]]
    tag: Tag = Tag("")  # noqa: RUF009 (it is immutable)
    index: int = 0
    row: int | None = None
    is_shown: bool = False


class TagSearch:
    """A search in a header that can be interrupted and continued.

    Parameters
    ----------
    tags : Tags
        The header.
    query : TagQuery
        What to search for.

    Attributes
    ----------
    rows : TagRows
        The matches so far, with the elements that contain them and those they contain.
    match_count : int
        Number of matches so far.
    expanded_keys : dict of ElementKey
        Keys of the rows that contain matches, in order; the values are None.
    """

    def __init__(self, tags: Tags, query: TagQuery) -> None:
        self.rows = TagRows(None)
        self.match_count = 0
        self.expanded_keys: dict[ElementKey, None] = {}
        self._query = query
        self._levels = [_SearchLevel(enumerate(tags), row=TOP_LEVEL)]
        self._steps = self._search()

    @property
    def shown_count(self) -> int:
        """Number of matches that are among the rows."""
        return min(self.match_count, MAX_SHOWN_MATCHES)

    def continue_for(self, seconds: float) -> bool:
        """Continue the search for some time, and return whether it is complete."""
        end = perf_counter() + seconds
        return not any(perf_counter() > end for _ in self._steps)

    def _search(self) -> Iterator[None]:
        """Test every element, depth first, and yield after every ``ELEMENTS_PER_STEP``."""
        matches, levels, tested_count = self._query.matches, self._levels, 0
        while levels:
            level = levels[-1]
            for index, tag in level.elements:
                tested_count += 1
                if tested_count % ELEMENTS_PER_STEP == 0:
                    yield
                is_match = matches(tag)
                row = self._add_match(index, tag) if is_match else None
                if tag.children:
                    is_shown = level.is_shown or is_match
                    levels.append(_SearchLevel(enumerate(tag.children), tag, index, row, is_shown))
                    break
            else:
                levels.pop()

    def _add_match(self, index: int, tag: Tag) -> int | None:
        """Count a match and add rows for it; return its row if one was added for itself."""
        self.match_count += 1
        if self.match_count > MAX_SHOWN_MATCHES:
            return None
        key: ElementKey = ()
        parent: int | None = TOP_LEVEL
        for level in self._levels[1:]:
            key = (*key, make_key_step(level.tag, level.index))
            self.expanded_keys[key] = None
            if level.row is None and not level.is_shown and parent is not None:
                level.row = self.rows.add(level.tag, key, parent)
            parent = level.row
        if self._levels[-1].is_shown or parent is None:
            return None  # it is shown with the match that contains it
        return self.rows.add(tag, (*key, make_key_step(tag, index)), parent)
