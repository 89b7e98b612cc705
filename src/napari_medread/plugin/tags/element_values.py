"""The values of one header element over all slices of a layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.tag_elements import ElementKey, Tag
from napari_medread.plugin.tags.slice_headers import LayerHeaders

if TYPE_CHECKING:
    from napari_medread.dicom.headers.full_header import FullHeader


class ElementValues(NamedTuple):
    """The value of one element in every slice.

    Attributes
    ----------
    name, tag : str
        Name and tag of the element.
    axes : tuple of str
        What the numbers of a slice count.
    rows : list of (numbers, value)
        The slice, by its numbers counted from 1, and the value, None where the slice does not
        have the element.
    """

    name: str
    tag: str
    axes: tuple[str, ...]
    rows: list[tuple[tuple[int, ...], str | None]]

    @property
    def numbers(self) -> list[float] | None:
        """The values as numbers, NaN where one is absent; None if any is not a single number."""
        numbers = []
        for _, value in self.rows:
            if value is None:
                numbers.append(math.nan)
                continue
            try:
                numbers.append(float(value))
            except ValueError:
                return None
        return numbers if any(map(math.isfinite, numbers)) else None


def read_element_values(
    headers: LayerHeaders, key: ElementKey, tag: Tag, progress: Progress = no_progress
) -> ElementValues:
    """Read one element of the header of every slice.

    Parameters
    ----------
    headers : LayerHeaders
        The headers of the layer.
    key : tuple
        Where the element is in a header.
    tag : Tag
        The element in one of the headers.
    progress : Progress

    Raises
    ------
    UnreadableFile
        Where a file no longer exists.
    """
    from napari_medread.dicom.headers.full_header import FullHeader

    rows: list[tuple[tuple[int, ...], str | None]] = []
    header: FullHeader | None = None
    for location in progress(headers.locate_all(), "Reading headers"):
        if header is None or header.path != location.path:
            header = FullHeader(location.path, str(key[0]))
        element = header.read_tags(location.frame).at(key)
        rows.append((location.slice_numbers, None if element is None else element.value))
    return ElementValues(tag.name, tag.tag, headers.numbered_axes, rows)
