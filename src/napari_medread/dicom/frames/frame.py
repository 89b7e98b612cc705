"""The frame: one two-dimensional image, with what its header says about it."""

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
"""Largest error in the length of row and column directions, and in their scalar product."""


@dataclass(frozen=True)
class MosaicTile:
    """The part of a mosaic that is one slice.

    Attributes
    ----------
    row, column : int
        Row and column of its first pixel in the mosaic.
    rows, columns : int
        Number of rows and columns.
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
    header : DicomFileHeader
        The header of its file.
    dataset : Dataset
        The attributes that apply to this frame.
    index : int
        Its index in the file, from 0.
    computed_position : (3,) array or None
        Image position in LPS mm if it differs from ImagePositionPatient of ``dataset``.
    tile : MosaicTile or None
        The part of the stored image that this frame is; None for all of it.
    axis_indices : dict of str to float
        Its index along each axis that its object numbers: time slot, energy window, phase.
    dimension_indices : dict of str to float
        The same from DimensionIndexValues. Often an attribute gives the value along such an axis.
    """

    header: DicomFileHeader
    dataset: Dataset
    index: int = 0
    computed_position: Vector | None = None
    tile: MosaicTile | None = None
    axis_indices: dict[str, float] = field(default_factory=dict)
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
    def image_position(self) -> Vector | None:
        """ImagePositionPatient: the centre of the first voxel, in LPS mm."""
        if self.computed_position is not None:
            return self.computed_position
        position = attributes.get_numbers(self.dataset, "ImagePositionPatient", 3)
        return None if position is None else np.array(position)

    @cached_property
    def image_orientation(self) -> Vector | None:
        """ImageOrientationPatient as (2, 3) unit vectors: along a row, then down a column.

        None where it is absent or not a pair of perpendicular directions.
        """
        cosines = attributes.get_numbers(self.dataset, "ImageOrientationPatient", 6)
        if cosines is None:
            return None
        pair = np.array(cosines).reshape(2, 3)
        lengths = np.linalg.norm(pair, axis=1)
        if (
            np.abs(lengths - 1).max() > ORTHONORMALITY_TOLERANCE
            or abs(pair[0] @ pair[1]) > ORTHONORMALITY_TOLERANCE
        ):
            return None
        # Cosines that were written with few digits are not exactly of unit length.
        return np.asarray(pair / lengths[:, None])

    @cached_property
    def pixel_spacing(self) -> tuple[float, float] | None:
        """PixelSpacing in mm: between rows, between columns (PS3.3 10.7.1.3)."""
        spacing = attributes.get_numbers(self.dataset, "PixelSpacing", 2)
        return (spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None

    @cached_property
    def image_type(self) -> tuple[str, ...]:
        """The values of FrameType, else of ImageType, in upper case."""
        values = attributes.get_texts(self.dataset, "FrameType") or attributes.get_texts(
            self.dataset, "ImageType"
        )
        return tuple(value.upper() for value in values)

    @cached_property
    def acquisition_order(self) -> tuple[float, float, int]:
        """Sort key of frames that no position or time orders: by InstanceNumber."""
        instance = attributes.get_number(self.dataset, "InstanceNumber")
        part = attributes.get_number(self.header.dataset, "InConcatenationNumber") or 0.0
        return (np.inf if instance is None else instance, part, self.index)

    @property
    def is_positioned(self) -> bool:
        """Whether image position, orientation and pixel spacing in patient space are known."""
        return (
            self.image_position is not None
            and self.image_orientation is not None
            and self.pixel_spacing is not None
        )


def merge_datasets(datasets: Iterable[Dataset]) -> Dataset:
    """Merge datasets into one, later ones overriding; values are not converted."""
    merged = Dataset()
    for dataset in datasets:
        merged.update(dict(dataset.items()))
        implicit_vr, little_endian = dataset.original_encoding
        merged.set_original_encoding(implicit_vr, little_endian, dataset.original_character_set)
    return merged


def copy_without_position(dataset: Dataset) -> Dataset:
    """Return a copy of a dataset without ImagePositionPatient."""
    copy = merge_datasets([dataset])  # Dataset.copy would share the elements
    copy.pop("ImagePositionPatient", None)
    return copy
