"""Headers and tables written as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_medread.core.atomic_files import open_atomic_file
from napari_medread.core.tag_elements import ElementKey, Tag, Tags

HEADER_COLUMNS = ("Tag", "Name", "VR", "Value")
"""Columns of the table of a header."""


def make_table_row(tag: Tag, key: ElementKey = ()) -> tuple[str, str, str, str]:
    """Return an element as a row of the table of a header.

    Parameters
    ----------
    tag : Tag
    key : ElementKey
        Where the element is. With it, the first column names the sequences that contain the
        element, with items counted from 1: ``(0008,1140)[2](0008,1155)``.
    """
    path = tag.tag
    if tag.tag or tag.is_item:
        path = "".join(f"[{n + 1}]" if isinstance(n, int) else n for n in key) or path
    return path, tag.name, tag.vr, tag.value


def write_tags(path: Path, tags: Tags) -> Path:
    """Write a header, including all patient data in it.

    Parameters
    ----------
    path : Path
        If the suffix is ``.json``, nested elements are written; otherwise a CSV table with one
        row for each element.
    tags : Tags

    Raises
    ------
    CannotWrite
        If it cannot be written. An existing file is kept.
    """
    if path.suffix.lower() == ".json":
        text = (
            json.dumps([_to_json_object(tag) for tag in tags], ensure_ascii=False, indent=2) + "\n"
        )
        with open_atomic_file(path) as file:
            file.write(text.encode())
        return path
    rows = [make_table_row(tag, key) for key, tag in tags.walk() if tag.tag or not tag.children]
    return write_table(path, HEADER_COLUMNS, rows)


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    """Write a table as CSV, in UTF-8 with the byte order mark that spreadsheets need.

    Raises
    ------
    CannotWrite
        If it cannot be written. An existing file is kept.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    with open_atomic_file(path) as file:
        file.write(text.getvalue().encode("utf-8-sig"))
    return path


def _to_json_object(tag: Tag) -> dict[str, Any]:
    fields = {"tag": tag.tag, "name": tag.name, "vr": tag.vr, "value": tag.value}
    element: dict[str, Any] = {
        name: text for name, text in fields.items() if text or name == "value"
    }
    if tag.children:
        element["children"] = [_to_json_object(child) for child in tag.children]
    return element
