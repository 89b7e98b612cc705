"""What is found out about an entry of a catalogue when it is looked at: its thumbnail, too."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage

from napari_medread.core.progress import Progress
from napari_medread.core.thumbnail_image import Thumbnail, fit_into_square, make_thumbnail
from napari_medread.errors import MedReadError
from napari_medread.plugin.browser.catalogue_rows import (
    CatalogueEntry,
    CatalogueRow,
    describe_volumes,
    is_large,
)

THUMBNAIL_SIZE_PX = 72
"""Of a thumbnail, in pixels."""


class EntryPreview(NamedTuple):
    """What is known of an entry: lines, notes, and its thumbnail in its size on the screen."""

    entry: CatalogueEntry
    details: tuple[str, ...]
    tip: str
    picture: QImage | None = None


def make_preview(row: CatalogueRow, progress: Progress) -> EntryPreview:
    """Look at what a row loads, reading no more than needed; what is wrong becomes a note."""
    entry = row.entry
    assert entry is not None  # noqa: S101  (other rows have nothing to look at)
    look = EntryPreview(entry, row.details, row.tip)
    if is_large(entry):
        return look
    try:
        # A loop of one, which ends where it was cancelled before.
        for each in progress([entry], "Looking"):
            volumes = each.preview()
            look = EntryPreview(entry, *describe_volumes(volumes))
            look = look._replace(picture=_image(make_thumbnail(volumes[0])))
    except MedReadError as error:
        look = look._replace(tip="\n".join(filter(None, (look.tip, str(error)))))
    return look


def _image(picture: Thumbnail) -> QImage:
    pixels = np.ascontiguousarray(picture.pixels)
    rows, columns = pixels.shape[:2]
    kind = QImage.Format.Format_RGB888 if pixels.ndim == 3 else QImage.Format.Format_Grayscale8
    image = QImage(pixels.tobytes(), columns, rows, pixels.strides[0], kind)
    height, width = fit_into_square(picture, THUMBNAIL_SIZE_PX)
    return image.scaled(
        width,
        height,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    ).copy()
