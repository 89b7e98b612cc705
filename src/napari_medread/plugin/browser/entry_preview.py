"""Previews of what can be loaded: size, spacing, notes and a thumbnail."""

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
"""Width and height of the square that holds a thumbnail."""


class EntryPreview(NamedTuple):
    """What a row shows of its entry.

    Attributes
    ----------
    entry : DicomEntry or FileEntry
    details : tuple of str
        The lines below the title.
    tooltip : str
        The notes.
    thumbnail : QImage or None
        In its size on the screen; None where there is none.
    """

    entry: CatalogueEntry
    details: tuple[str, ...]
    tooltip: str
    thumbnail: QImage | None = None


def make_preview(row: CatalogueRow, progress: Progress) -> EntryPreview:
    """Return the preview of what a row loads, reading no more than it needs.

    Where it cannot be read, the reason becomes a note.

    Parameters
    ----------
    row : CatalogueRow
        A row with an entry.
    progress : Progress
    """
    entry = row.entry
    assert entry is not None  # noqa: S101  (other rows have no preview)
    preview = EntryPreview(entry, row.details, row.tooltip)
    if is_large(entry):
        return preview
    try:
        # A loop over one entry, which ends before it is read where the task was cancelled.
        for each in progress([entry], "Previewing"):
            volumes = each.preview()
            preview = EntryPreview(entry, *describe_volumes(volumes))
            preview = preview._replace(thumbnail=_scale(make_thumbnail(volumes[0])))
    except MedReadError as error:
        preview = preview._replace(tooltip="\n".join(filter(None, (preview.tooltip, str(error)))))
    return preview


def _scale(thumbnail: Thumbnail) -> QImage:
    """Return a thumbnail as an image that fits into its square."""
    pixels = np.ascontiguousarray(thumbnail.pixels)
    rows, columns = pixels.shape[:2]
    kind = QImage.Format.Format_RGB888 if pixels.ndim == 3 else QImage.Format.Format_Grayscale8
    image = QImage(pixels.tobytes(), columns, rows, pixels.strides[0], kind)
    height, width = fit_into_square(thumbnail, THUMBNAIL_SIZE_PX)
    return image.scaled(
        width,
        height,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    ).copy()
