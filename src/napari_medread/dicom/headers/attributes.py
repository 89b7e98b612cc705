"""Forgiving, typed access to the attributes of a dataset.

Scanners write empty, repeated and malformed values. Every function here returns plain
Python values, or None (or an empty text) where the attribute is absent or unusable.
"""

from __future__ import annotations

import math
import struct
from functools import cache
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom


def get_value(dataset: Dataset, keyword: str) -> Any:
    """Return an attribute's value as pydicom has it, or None where it can't be had."""
    try:
        with tolerant_pydicom:
            return dataset.get(keyword)
    # pydicom raises many kinds for malformed values; all of them mean "unusable".
    except Exception:  # noqa: BLE001
        return None


_TEXTS = frozenset(["AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"])
"""VRs whose values are ASCII, divided by backslashes, whatever the character set."""

_NUMBERS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d"}


def _items(dataset: Dataset, keyword: str) -> list[Any]:
    plain = _plain_items(dataset, keyword)
    if plain is not None:
        return plain
    value = get_value(dataset, keyword)
    if value is None:
        return []
    return list(value) if isinstance(value, MultiValue | Sequence | list | tuple) else [value]


def _plain_items(dataset: Dataset, keyword: str) -> list[Any] | None:
    """Parse the common types straight from their bytes; None for the others.

    Sorting a series asks for a dozen attributes of each of its thousands of images, and
    pydicom's own conversion takes many times as long.
    """
    tag = _tag(keyword)
    try:
        element: Any = dataset.get_item(tag)
    # As in ``get_value``: of a type that is none.
    except Exception:  # noqa: BLE001
        return []
    if element is None:
        return []
    if not isinstance(element, RawDataElement):
        return None
    vr = element.VR or _dictionary_vr(tag)
    data = element.value or b""
    if vr in _TEXTS:
        text = data.decode("ascii", "replace").strip("\0 ")
        return text.split("\\") if text else []
    code = _NUMBERS.get(vr)
    if code is None:
        return None
    size = struct.calcsize(f"<{code}")
    if len(data) % size:
        return None
    order = "<" if element.is_little_endian else ">"
    return list(struct.unpack(f"{order}{len(data) // size}{code}", data))


@cache
def _tag(keyword: str) -> BaseTag:
    return BaseTag(tag_for_keyword(keyword) or 0)


@cache
def _dictionary_vr(tag: BaseTag) -> str:
    return dictionary_VR(tag)


def get_numbers(
    dataset: Dataset, keyword: str, count: int | None = None
) -> tuple[float, ...] | None:
    """Return an attribute's finite numbers; None unless there are ``count`` (or at least one)."""
    try:
        values = tuple(float(v) for v in _items(dataset, keyword))
    except (TypeError, ValueError):
        return None
    if not values or not all(map(math.isfinite, values)) or count not in (None, len(values)):
        return None
    return values


def get_number(dataset: Dataset, keyword: str) -> float | None:
    """Return an attribute's first finite number."""
    values = get_numbers(dataset, keyword)
    return values[0] if values else None


def get_integer(dataset: Dataset, keyword: str, default: int) -> int:
    """Return an attribute's first number as an int."""
    value = get_number(dataset, keyword)
    return default if value is None else int(value)


def get_texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Return an attribute's values as texts without padding."""
    return tuple(str(v).strip().strip("\0") for v in _items(dataset, keyword) if v is not None)


def get_text(dataset: Dataset, keyword: str) -> str:
    """Return an attribute as one text, its values joined by a backslash as in the file."""
    return "\\".join(get_texts(dataset, keyword))


def get_private_value(dataset: Dataset, tag: int) -> Any:
    """Return the value of a private element, or None where it can't be had."""
    try:
        with tolerant_pydicom:
            element = dataset.get(tag)
            return None if element is None else element.value
    # As in ``get_value``: what cannot be parsed is not there.
    except Exception:  # noqa: BLE001
        return None


def get_private_items(dataset: Dataset, tag: int) -> list[Dataset]:
    """Return the items of a private sequence."""
    value = get_private_value(dataset, tag)
    return (
        [item for item in value if isinstance(item, Dataset)] if isinstance(value, Sequence) else []
    )


def get_items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence."""
    return [item for item in _items(dataset, keyword) if isinstance(item, Dataset)]
