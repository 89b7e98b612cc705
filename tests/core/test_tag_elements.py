"""Elements of headers, and the queries that find them."""

import pytest

from helpers.sample_headers import CLASS, DATE, HEADER, MAKER, MODEL, PRIVATE, REFERENCES
from napari_medread.core.tag_elements import Tag, TagQuery, Tags


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0008,0070", [MAKER]),
        ("(0008,0070)", [MAKER]),
        ("(0008|0070)", [MAKER]),
        ("0008|0070", [MAKER]),
        ("0008 0070", [MAKER]),
        ("00080070", [MAKER]),
        ("0x00080070", [MAKER]),
        (" 0008 , 0070 ", [MAKER]),
        ("0019,100c", [PRIVATE]),
        ("0008,1", [MODEL, REFERENCES, CLASS]),
        ("0019", [PRIVATE]),
        ("Manufacturer", [MAKER, MODEL]),
        ("mAnUfAcTuReR", [MAKER, MODEL]),
        ("model manufacturer", [MODEL]),
        ("ManufacturerModelName", [MODEL]),
        ("acme", [MAKER]),
        ("20240101", [DATE]),  # eight digits that are no tag here
        ("ct image", [CLASS]),
        ("1.2.840", [CLASS]),
        ("siemens", [PRIVATE]),
        ("item 2", []),  # items have no name of their own
        ("2 items", [REFERENCES]),
        ("nowhere", []),
    ],
)
def test_queries_find_elements(text, found):
    assert HEADER.find(text) == found


def test_an_empty_query_is_false():
    assert not TagQuery("  ")
    assert TagQuery("a")


def test_an_element_by_its_name_keyword_or_tag():
    assert HEADER["Manufacturer"] is MAKER
    assert HEADER["Manufacturer's Model Name"] is MODEL
    assert HEADER["(0008,0070)"] is MAKER
    assert HEADER["(0019,100c)"] is PRIVATE
    assert HEADER[0] is DATE
    assert list(HEADER[1:3]) == [MAKER, MODEL]
    with pytest.raises(KeyError):
        HEADER["ReferencedSOPClassUID"]  # inside a sequence


def test_every_element_has_a_key():
    keys = [key for key, _ in HEADER.walk()]
    assert ("(0008,1140)", 1, "(0008,1150)") in keys
    assert len(keys) == len(set(keys)) == 8
    for key, tag in HEADER.walk():
        assert HEADER.at(key) is tag
    assert HEADER.at(("(0008,1140)", 2)) is None
    assert HEADER.at(("(0008,1140)", 0, "(0008,1150)")) is None


def test_numbers():
    assert Tag("", "1.5\\-2", "(0028,0030)", "DS").numbers == (1.5, -2)
    assert Tag("", "12", "(0008,0070)", "LO").numbers == ()
    assert Tag("", "", "(0028,0030)", "DS").numbers == ()
    assert Tag("ElementSpacing", "0.5 0.5 3").numbers == (0.5, 0.5, 3)


def test_values_are_not_in_the_representation():
    assert "ACME" not in repr(HEADER)


@pytest.mark.parametrize("text", ["two  spaces\r\nnew line", "two spaces", "SPACES new", "\tline "])
def test_values_with_white_space_are_found_as_typed_or_copied(text):
    tag = Tag("Image Comments", "two  spaces\r\nnew line", "(0020,4000)", "LT", "ImageComments")
    assert Tags([MAKER, tag]).find(text) == [tag]
