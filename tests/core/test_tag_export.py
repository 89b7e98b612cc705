"""Headers as CSV and JSON."""

import csv
import json

import pytest

from helpers.sample_headers import HEADER, MAKER
from napari_medread.core.tag_elements import Tag, Tags
from napari_medread.core.tag_export import make_table_row, write_table, write_tags
from napari_medread.errors import CannotWrite


def rows_in(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_a_table_has_a_row_for_every_element(tmp_path):
    path = write_tags(tmp_path / "header.csv", HEADER)
    rows = rows_in(path)
    assert rows[0] == ["Tag", "Name", "VR", "Value"]
    assert rows[2] == ["(0008,0070)", "Manufacturer", "LO", "ACME 00080070"]
    assert rows[5][0] == "(0008,1140)[1]"  # an empty item
    assert rows[6][0] == "(0008,1140)[2](0008,1150)"
    assert len(rows) == 8


def test_all_kinds_of_values_are_read_back(tmp_path):
    value = 'several\r\nlines, "quoted"; 山田^太郎'
    path = write_tags(tmp_path / "header.csv", Tags([Tag("Comment", value)]))
    assert rows_in(path)[1] == ["", "Comment", "", value]
    path = write_tags(tmp_path / "header.json", Tags([Tag("Comment", value)]))
    assert json.loads(path.read_text("utf-8")) == [{"name": "Comment", "value": value}]


def test_json_is_nested(tmp_path):
    path = write_tags(tmp_path / "header.JSON", HEADER)
    found = json.loads(path.read_text("utf-8"))
    assert [each["name"] for each in found] == [tag.name for tag in HEADER]
    assert found[3]["children"][1]["children"][0]["value"] == "1.2.840.10008.5.1.4.1.1.2"


def test_an_existing_file_is_kept_if_writing_fails(tmp_path):
    path = tmp_path / "header.csv"
    path.write_text("before")
    path.chmod(0o444)
    with pytest.raises(CannotWrite):
        write_table(path, ("Slice",), [(0,)])
    assert path.read_text() == "before"


def test_a_row():
    assert make_table_row(MAKER) == ("(0008,0070)", "Manufacturer", "LO", "ACME 00080070")
