"""Tolerant, typed access to the attributes of a dataset.

Scanners write empty, repeated and malformed values. Every function here returns plain Python
values, or None (or an empty text, tuple or list) where the attribute is absent or malformed.
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
    """Return an attribute's value as pydicom converts it; None where it is absent or malformed."""
    try:
        with tolerant_pydicom:
            return dataset.get(keyword)
    # pydicom raises many types of error for malformed values.
    except Exception:  # noqa: BLE001
        return None


_ASCII_VRS = frozenset(["AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"])
"""VRs whose values are ASCII in every character set, separated by backslashes."""

_BINARY_FORMATS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d"}
"""Format of one number in ``struct``, by VR."""


def _get_values(dataset: Dataset, keyword: str) -> list[Any]:
    """Return all values of an attribute; none where it is absent or malformed."""
    simple = _convert_simple_values(dataset, keyword)
    if simple is not None:
        return simple
    value = get_value(dataset, keyword)
    if value is None:
        return []
    return list(value) if isinstance(value, MultiValue | Sequence | list | tuple) else [value]


def _convert_simple_values(dataset: Dataset, keyword: str) -> list[Any] | None:
    """Convert the values of common VRs from their bytes; None for other VRs.

    Sorting a series asks for a dozen attributes of each of its thousands of images, and
    pydicom's own conversion takes many times as long.
    """
    tag = _get_tag(keyword)
    try:
        element: Any = dataset.get_item(tag)
    # As in ``get_value``: malformed.
    except Exception:  # noqa: BLE001
        return []
    if element is None:
        return []
    if not isinstance(element, RawDataElement):
        return None
    vr = element.VR or _get_dictionary_vr(tag)
    data = element.value or b""
    if vr in _ASCII_VRS:
        text = data.decode("ascii", "replace").strip("\0 ")
        return text.split("\\") if text else []
    code = _BINARY_FORMATS.get(vr)
    if code is None:
        return None
    size = struct.calcsize(f"<{code}")
    if len(data) % size:
        return None
    order = "<" if element.is_little_endian else ">"
    return list(struct.unpack(f"{order}{len(data) // size}{code}", data))


@cache
def _get_tag(keyword: str) -> BaseTag:
    return BaseTag(tag_for_keyword(keyword) or 0)


@cache
def _get_dictionary_vr(tag: BaseTag) -> str:
    return dictionary_VR(tag)


def get_numbers(
    dataset: Dataset, keyword: str, count: int | None = None
) -> tuple[float, ...] | None:
    """Return an attribute's numbers as floats.

    Returns
    -------
    tuple of float or None
        None if there are none, if there are not ``count`` of them, or if one is not finite.
    """
    try:
        values = tuple(float(v) for v in _get_values(dataset, keyword))
    except (TypeError, ValueError):
        return None
    if not values or not all(map(math.isfinite, values)) or count not in (None, len(values)):
        return None
    return values


def get_number(dataset: Dataset, keyword: str) -> float | None:
    """Return an attribute's first number; None as for ``get_numbers``."""
    values = get_numbers(dataset, keyword)
    return values[0] if values else None


def get_integer(dataset: Dataset, keyword: str, default: int) -> int:
    """Return an attribute's first number as an int, or ``default`` where there is none."""
    value = get_number(dataset, keyword)
    return default if value is None else int(value)


def get_texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Return an attribute's values as texts, without leading and trailing padding."""
    return tuple(str(v).strip().strip("\0") for v in _get_values(dataset, keyword) if v is not None)


def get_text(dataset: Dataset, keyword: str) -> str:
    """Return an attribute as one text; several values are joined by backslashes, as in the file."""
    return "\\".join(get_texts(dataset, keyword))


def get_private_value(dataset: Dataset, tag: int) -> Any:
    """Return the value of a private element, or None where it is absent or malformed."""
    try:
        with tolerant_pydicom:
            element = dataset.get(tag)
            return None if element is None else element.value
    # As in ``get_value``: malformed.
    except Exception:  # noqa: BLE001
        return None


def get_private_items(dataset: Dataset, tag: int) -> list[Dataset]:
    """Return the items of a private sequence; none where it is absent or malformed."""
    value = get_private_value(dataset, tag)
    return (
        [item for item in value if isinstance(item, Dataset)] if isinstance(value, Sequence) else []
    )


def get_items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence; none where it is absent or malformed."""
    return [item for item in _get_values(dataset, keyword) if isinstance(item, Dataset)]
