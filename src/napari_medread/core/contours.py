"""Contours and points in patient space that are drawn as lines, not as voxels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.geometry import Geometry
from napari_medread.core.segments import Segment
from napari_medread.core.series_names import SeriesReference

ContourKind = Literal["closed", "open", "points"]

CONTOUR_KIND_WORDS: dict[ContourKind, str] = {
    "closed": "contours",
    "open": "open contours",
    "points": "points",
}
"""Each kind of contours as a word for names and sentences."""


@dataclass(eq=False)
class ContourSet:
    """Contours of one kind, of any number of structures.

    ``read_contours`` returns all contours of a structure set. napari shows those that become no
    labels: points, open contours, and closed ones whose image is not there.

    Attributes
    ----------
    name : str
        Name to show. Never a patient's name.
    kind : str
        ``closed``, ``open`` or ``points``.
    contours : list of (n, 3) array
        The points of each contour in LPS mm.
    structures : tuple of Segment
        The structure of each contour.
    geometry : Geometry or None
        The grid of the image that they were drawn on; None if it is not known.
    source : tuple of Path
        The file.
    notes : tuple of str
        Sentences about every guess.
    series : SeriesReference or None
        The series and study it is from, without the patient's data.
    missing_image : str
        The image that they were drawn on in words, such as ``the CT series of 120 images``, where
        it was not read with them; else empty.
    """

    name: str
    kind: ContourKind
    contours: list[NDArray[np.float64]] = field(repr=False)
    structures: tuple[Segment, ...] = field(repr=False)
    geometry: Geometry | None = None
    source: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    series: SeriesReference | None = None
    missing_image: str = ""

    @property
    def kind_in_words(self) -> str:
        """``contours``, ``open contours`` or ``points``."""
        return CONTOUR_KIND_WORDS[self.kind]
