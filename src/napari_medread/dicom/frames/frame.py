"""Frames: one two-dimensional image each, with what the headers say about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import DicomFileHeader

Vector = NDArray[np.float64]

ORTHONORMALITY_TOLERANCE = 1e-3
"""Row and column directions may miss unit length and a right angle by this much."""


@dataclass(frozen=True)
class MosaicTile:
    """The part of a mosaic that is one slice.

    Attributes
    ----------
    row, column : int
        Of its first pixel in the mosaic.
    rows, columns : int
        Its size.
    """

    row: int
    column: int
    rows: int
    columns: int


@dataclass(eq=False)
class Frame:
    """One image: a single-frame file, one frame of a multi-frame file, or one tile of a mosaic.

    Attributes
    ----------
    header : Header
        The file it is in.
    dataset : Dataset
        The attributes that hold for this frame.
    number : int
        Its index in the file, from 0.
    placed_at : (3,) array or None
        Where it is not where ImagePositionPatient of its dataset says: its own position.
    tile : Tile or None
        Its part of the stored image.
    indices : dict of str to float
        Its place along axes that its object numbers: time slot, energy window, phase.
    dimension_indices : dict of str to float
        The same from DimensionIndexValues, for which an attribute often says more.
    """

    header: DicomFileHeader
    dataset: Dataset
    number: int = 0
    placed_at: Vector | None = None
    tile: MosaicTile | None = None
    indices: dict[str, float] = field(default_factory=dict)
    dimension_indices: dict[str, float] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.tile.rows if self.tile else self.header.rows

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.tile.columns if self.tile else self.header.columns

    @cached_property
    def position(self) -> Vector | None:
        """ImagePositionPatient: the centre of the first voxel, in LPS mm."""
        if self.computed_position is not None:
            return self.computed_position
        found = attributes.get_numbers(self.dataset, "ImagePositionPatient", 3)
        return None if found is None else np.array(found)

    @cached_property
    def orientation(self) -> Vector | None:
        """ImageOrientationPatient as (2, 3) unit vectors: along a row, then down a column.

        None where it is absent or not a pair of perpendicular directions.
        """
        found = attributes.get_numbers(self.dataset, "ImageOrientationPatient", 6)
        if found is None:
            return None
        pair = np.array(found).reshape(2, 3)
        lengths = np.linalg.norm(pair, axis=1)
        if (
            np.abs(lengths - 1).max() > ORTHONORMALITY_TOLERANCE
            or abs(pair[0] @ pair[1]) > ORTHONORMALITY_TOLERANCE
        ):
            return None
        # Written with few digits, they are not quite of unit length.
        return np.asarray(pair / lengths[:, None])

    @cached_property
    def pixel_spacing(self) -> tuple[float, float] | None:
        """PixelSpacing in mm: between rows, between columns (PS3.3 10.7.1.3)."""
        found = attributes.get_numbers(self.dataset, "PixelSpacing", 2)
        return (found[0], found[1]) if found and min(found) > 0 else None

    @cached_property
    def image_type(self) -> tuple[str, ...]:
        """ImageType's values in capitals; of a frame its FrameType."""
        found = attributes.get_texts(self.dataset, "FrameType") or attributes.get_texts(
            self.dataset, "ImageType"
        )
        return tuple(v.upper() for v in found)

    @cached_property
    def order(self) -> tuple[float, float, int]:
        """Sort key where nothing better is known: the order of acquisition."""
        instance = attributes.get_number(self.dataset, "InstanceNumber")
        part = attributes.get_number(self.header.dataset, "InConcatenationNumber") or 0.0
        return (np.inf if instance is None else instance, part, self.number)

    @property
    def is_placed(self) -> bool:
        """Whether its place in patient space is known."""
        return (
            self.position is not None
            and self.orientation is not None
            and self.pixel_spacing is not None
        )


def merge_datasets(datasets: Iterable[Dataset]) -> Dataset:
    """Merge datasets into one; their elements stay unparsed until they are asked for."""
    merged = Dataset()
    for dataset in datasets:
        merged.update(dict(dataset.items()))
        implicit, little = dataset.original_encoding
        merged.set_original_encoding(implicit, little, dataset.original_character_set)
    return merged


def copy_without_position(dataset: Dataset) -> Dataset:
    """Return a dataset without ImagePositionPatient; the given one keeps it."""
    bare = merge_datasets([dataset])  # a copy of a pydicom dataset shares its elements
    bare.pop("ImagePositionPatient", None)
    return bare
