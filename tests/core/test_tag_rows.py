"""The rows of a header: created on demand, grouped where there are many, searched in steps."""

import pytest

from napari_medread.core import tag_rows
from napari_medread.core.tag_elements import Tag, TagQuery, Tags
from napari_medread.core.tag_rows import (
    MAX_ROWS_PER_LEVEL,
    MAX_SHOWN_MATCHES,
    TOP_LEVEL,
    TagRows,
    TagSearch,
)


def sequence(count):
    """Return a header with a sequence of many items, each with two elements."""
    items = tuple(
        Tag(
            f"Item {n + 1}",
            children=(
                Tag("Number", f"{n}", "(0020,0013)", "IS"),
                Tag("Label", f"image {n}", "(0070,0080)", "CS"),
            ),
        )
        for n in range(count)
    )
    many = Tag("Images", f"{count} items", "(0008,1140)", "SQ", children=items)
    return Tags([Tag("Rows", "512", "(0028,0010)", "US"), many])


def names(rows, numbers):
    return [rows[n].tag.name for n in numbers]


def complete_search(tags, text):
    search = TagSearch(tags, TagQuery(text))
    assert search.continue_for(60)
    return search


def test_rows_are_created_on_demand():
    rows = TagRows(sequence(3))
    assert names(rows, rows.top_level) == ["Rows", "Images"]
    assert not rows.has_children(rows.top_level[0])
    assert rows.has_children(rows.top_level[1])
    items = rows.get_children(rows.top_level[1])
    assert names(rows, items) == ["Item 1", "Item 2", "Item 3"]
    second = rows.get_children(items[1])
    assert rows[second[1]].tag.value == "image 1"
    assert rows[second[1]].key == ("(0008,1140)", 1, "(0070,0080)")
    assert rows.find_ancestors(second[1]) == [rows.top_level[1], items[1]]


def test_many_rows_are_grouped_and_keep_their_keys():
    tags = sequence(2 * MAX_ROWS_PER_LEVEL + 3)
    rows = TagRows(tags)
    groups = rows.get_children(rows.top_level[1])
    assert names(rows, groups) == [
        "1 to 500 of 1,003", "501 to 1,000 of 1,003", "1,001 to 1,003 of 1,003"
    ]  # fmt: skip
    last = rows.get_children(groups[2])
    assert names(rows, last) == ["Item 1001", "Item 1002", "Item 1003"]
    assert [rows[n].position for n in last] == [0, 1, 2]
    # A key leads to its element whichever rows exist.
    for number in (0, MAX_ROWS_PER_LEVEL - 1, MAX_ROWS_PER_LEVEL, 2 * MAX_ROWS_PER_LEVEL + 2):
        key = ("(0008,1140)", number, "(0020,0013)")
        fresh = TagRows(tags)
        found = fresh.find_number(key)
        assert fresh[found].tag is tags.at(key)
        assert fresh[found].tag.value == f"{number}"
    assert TagRows(tags).find_number(("(0008,1140)", 2 * MAX_ROWS_PER_LEVEL + 3)) is None
    assert TagRows(tags).find_number(()) is None


def test_the_rows_to_expand_below_a_row_are_limited():
    rows = TagRows(sequence(400))
    assert len(rows.find_expandable(rows.top_level[1], 10_000)) == 401
    assert len(rows.find_expandable(rows.top_level[1], 100)) == 1


@pytest.mark.parametrize(
    ("text", "found", "top"),
    [("0020,0013", 40, ["Images"]), ("image 7", 1, ["Images"]), ("rows", 1, ["Rows"]),
     ("images", 1, ["Images"]), ("item", 1, ["Images"]), ("nowhere", 0, [])],
)  # fmt: skip
def test_a_search_finds_what_the_header_finds(text, found, top):
    tags = sequence(40)
    search = complete_search(tags, text)
    assert search.match_count == len(tags.find(text)) == found
    assert names(search.rows, search.rows.top_level) == top


def test_matches_are_shown_with_what_contains_them_and_what_they_contain():
    search = complete_search(sequence(40), "image 7")
    rows = search.rows
    (item,) = rows.get_children(rows.top_level[0])
    assert names(rows, [item]) == ["Item 8"]
    assert names(rows, rows.get_children(item)) == ["Label"]
    assert list(search.expanded_keys) == [("(0008,1140)",), ("(0008,1140)", 7)]
    # A sequence that matches has all its items; matches in them are expanded.
    search = complete_search(sequence(40), "image")
    rows = search.rows
    assert search.match_count == 41
    assert len(rows.get_children(rows.top_level[0])) == 40
    assert names(rows, rows.get_children(rows.find_number(("(0008,1140)", 3)))) == [
        "Number",
        "Label",
    ]
    assert ("(0008,1140)", 39) in search.expanded_keys


def test_all_matches_are_counted_and_the_first_are_shown():
    search = complete_search(sequence(MAX_SHOWN_MATCHES + 50), "0020,0013")
    assert search.match_count == MAX_SHOWN_MATCHES + 50
    assert search.shown_count == MAX_SHOWN_MATCHES
    assert len(search.rows.get_children(search.rows.top_level[0])) == MAX_SHOWN_MATCHES


def test_a_search_continues_where_it_stopped(monkeypatch):
    monkeypatch.setattr(tag_rows, "ELEMENTS_PER_STEP", 10)
    tags = sequence(40)
    search = TagSearch(tags, TagQuery("0020,0013"))
    counts = []
    while not search.continue_for(0):
        counts.append(search.match_count)
    assert len(counts) > 5
    assert counts == sorted(counts)
    assert search.match_count == 40
    assert search.rows.get_children(TOP_LEVEL) == search.rows.top_level
