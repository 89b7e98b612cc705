"""Siemens mosaics and UIH grids: one stored image whose tiles are the slices of a volume."""

from __future__ import annotations

import math

import numpy as np
from pydicom.dataset import Dataset

from napari_medread.dicom.frames.frame import Frame, MosaicTile, Vector, copy_without_position
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.csa_header import read_csa_values
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.headers.private_attributes import (
    CSA_IMAGE_HEADER,
    IMAGES_IN_MOSAIC,
    UIH_FRAMES,
    UIH_IMAGES_IN_GRID,
    get_private_numbers,
)


def make_mosaic_frames(header: DicomFileHeader) -> list[Frame]:
    """Return the slices of a Siemens mosaic, or the whole image if its layout is not known.

    ImagePositionPatient is the corner that a slice as large as the whole mosaic would have. The
    corner of a real slice lies half the difference in size further inside.
    """
    dataset = header.dataset
    layout = _read_mosaic_layout(dataset)
    position = attributes.get_numbers(dataset, "ImagePositionPatient", 3)
    whole = Frame(header, copy_without_position(dataset))
    orientation, pixel_spacing = whole.image_orientation, whole.pixel_spacing
    if layout is None or position is None or orientation is None or pixel_spacing is None:
        return [whole]
    count, slice_normal = layout
    side = math.ceil(math.sqrt(count))
    tiles = _divide_into_tiles(header, count, side, side)
    if not tiles:
        return [whole]
    row_direction, column_direction = orientation
    across = (header.columns - tiles[0].columns) / 2 * pixel_spacing[1]
    down = (header.rows - tiles[0].rows) / 2 * pixel_spacing[0]
    corner = np.array(position) + row_direction * across + column_direction * down
    slice_spacing = abs(
        attributes.get_number(dataset, "SpacingBetweenSlices")
        or attributes.get_number(dataset, "SliceThickness")
        or 0.0
    )
    if not slice_spacing:
        return [whole]
    normal = np.cross(row_direction, column_direction)
    if slice_normal is not None and slice_normal @ normal < 0:
        normal = -normal
    return [
        Frame(header, dataset, 0, corner + normal * slice_spacing * n, tile)
        for n, tile in enumerate(tiles)
    ]


def make_grid_frames(header: DicomFileHeader) -> list[Frame]:
    """Return the slices of a UIH grid at their own positions, or the whole image without any.

    A grid has as many columns as a square one would have, and no more rows than its images fill.
    """
    dataset = header.dataset
    items = attributes.get_private_items(dataset, UIH_FRAMES)
    positions = [attributes.get_numbers(item, "ImagePositionPatient", 3) for item in items]
    count = len(positions)
    side = math.ceil(math.sqrt(count))
    tiles = _divide_into_tiles(header, count, math.ceil(count / side), side)
    if count != count_grid_images(dataset) or not all(positions) or not tiles:
        return [Frame(header, copy_without_position(dataset))]
    return [
        Frame(header, dataset, 0, np.array(position), tile)
        for position, tile in zip(positions, tiles, strict=True)
    ]


def count_grid_images(dataset: Dataset) -> int:
    """Return the number of images in a UIH grid; 0 for any other image."""
    return int((get_private_numbers(dataset, UIH_IMAGES_IN_GRID) or (0,))[0])


def _divide_into_tiles(
    header: DicomFileHeader, count: int, tile_rows: int, tile_columns: int
) -> list[MosaicTile]:
    """Return the first ``count`` tiles of an image; none if it does not divide into equal tiles."""
    if header.rows % tile_rows or header.columns % tile_columns:
        return []
    rows, columns = header.rows // tile_rows, header.columns // tile_columns
    return [
        MosaicTile(n // tile_columns * rows, n % tile_columns * columns, rows, columns)
        for n in range(count)
    ]


def _read_mosaic_layout(dataset: Dataset) -> tuple[int, Vector | None] | None:
    """Return the number of slices in a mosaic, and the direction in which they are stacked."""
    names = frozenset(["NumberOfImagesInMosaic", "SliceNormalVector"])
    data = attributes.get_private_value(dataset, CSA_IMAGE_HEADER)
    values = read_csa_values(data, names) if isinstance(data, bytes) else {}
    normal = values.get("SliceNormalVector", [])
    try:
        count = int(values.get("NumberOfImagesInMosaic", ["0"])[0])
        direction = np.array([float(x) for x in normal]) if len(normal) == 3 else None
    except ValueError:
        return None
    if not count:
        count = int((get_private_numbers(dataset, IMAGES_IN_MOSAIC) or (0,))[0])
    return (count, direction) if count > 0 else None
