"""Headers to frames: one two-dimensional image each, with what its header says about it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from napari_medread.dicom import values
from napari_medread.dicom.scan import Header

Vector = NDArray[np.float64]

ORTHONORMAL = 1e-3
"""Row and column directions may miss unit length and a right angle by this much."""


@dataclass(eq=False)
class Frame:
    """One image: a single-frame file, or one frame of a multi-frame file.

    Attributes
    ----------
    header : Header
        The file it is in.
    dataset : Dataset
        The attributes that hold for this frame.
    number : int
        Its index in the file, from 0.
    """

    header: Header
    dataset: Dataset
    number: int = 0

    @cached_property
    def position(self) -> Vector | None:
        """ImagePositionPatient: the centre of the first voxel, in LPS mm."""
        found = values.numbers(self.dataset, "ImagePositionPatient", 3)
        return None if found is None else np.array(found)

    @cached_property
    def orientation(self) -> Vector | None:
        """ImageOrientationPatient as (2, 3) unit vectors: along a row, then down a column.

        None where it is absent or not a pair of perpendicular directions.
        """
        found = values.numbers(self.dataset, "ImageOrientationPatient", 6)
        if found is None:
            return None
        pair = np.array(found).reshape(2, 3)
        lengths = np.linalg.norm(pair, axis=1)
        if np.abs(lengths - 1).max() > ORTHONORMAL or abs(pair[0] @ pair[1]) > ORTHONORMAL:
            return None
        # Written with few digits, they are not quite of unit length.
        return np.asarray(pair / lengths[:, None])

    @cached_property
    def pixel_spacing(self) -> tuple[float, float] | None:
        """PixelSpacing in mm: between rows, between columns (PS3.3 10.7.1.3)."""
        found = values.numbers(self.dataset, "PixelSpacing", 2)
        return (found[0], found[1]) if found and min(found) > 0 else None

    @cached_property
    def image_type(self) -> tuple[str, ...]:
        """ImageType's values in capitals."""
        return tuple(v.upper() for v in values.texts(self.dataset, "ImageType"))

    @cached_property
    def instance(self) -> float:
        """InstanceNumber, infinite where absent so that it sorts last."""
        found = values.number(self.dataset, "InstanceNumber")
        return np.inf if found is None else found

    @property
    def is_placed(self) -> bool:
        """Whether its place in patient space is known."""
        return (
            self.position is not None
            and self.orientation is not None
            and self.pixel_spacing is not None
        )


def frames_of(header: Header) -> list[Frame]:
    """Return a file's frames in file order."""
    dataset = header.dataset
    if header.frames > 1 or "MOSAIC" in values.text(dataset, "ImageType").upper():
        # The position of a whole file is not that of its frames or tiles.
        dataset = copy.copy(dataset)
        dataset.pop("ImagePositionPatient", None)
    return [Frame(header, dataset, n) for n in range(header.frames)]
