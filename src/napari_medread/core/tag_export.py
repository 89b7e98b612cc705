"""Headers and tables as files that other programs open."""

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
"""Of the table of a header."""


def make_table_row(tag: Tag, key: ElementKey = ()) -> tuple[str, str, str, str]:
    """Return an element as a row; with its key, that of one in a sequence names all above it.

    Items are counted from 1: ``(0008,1140)[2](0008,1155)``.
    """
    path = tag.tag
    if tag.tag or tag.is_item:
        path = "".join(f"[{n + 1}]" if isinstance(n, int) else n for n in key) or path
    return path, tag.name, tag.vr, tag.value


def write_tags(path: Path, tags: Tags) -> Path:
    """Write a header, with all that it says about the patient.

    Parameters
    ----------
    path : Path
        With ``.json`` the elements are nested; otherwise a table, a row an element.

    Raises
    ------
    CannotWrite
        Where it cannot be written. What was there before is still there.
    """
    if path.suffix.lower() == ".json":
        text = json.dumps([_plain(tag) for tag in tags], ensure_ascii=False, indent=2) + "\n"
        with open_atomic_file(path) as file:
            file.write(text.encode())
        return path
    rows = [make_table_row(tag, key) for key, tag in tags.walk() if tag.tag or not tag.children]
    return write_table(path, HEADER_COLUMNS, rows)


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    """Write a table as CSV, in UTF-8 with the mark by which spreadsheets know it.

    Raises
    ------
    CannotWrite
        Where it cannot be written. What was there before is still there.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    with open_atomic_file(path) as file:
        file.write(text.getvalue().encode("utf-8-sig"))
    return path


def _plain(tag: Tag) -> dict[str, Any]:
    fields = {"tag": tag.tag, "name": tag.name, "vr": tag.vr, "value": tag.value}
    found: dict[str, Any] = {name: text for name, text in fields.items() if text or name == "value"}
    if tag.children:
        found["children"] = [_plain(child) for child in tag.children]
    return found
