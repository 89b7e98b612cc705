"""Mosaics of Siemens and grids of UIH: the slices of a volume side by side in one image."""

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
    """Cut a Siemens mosaic into its slices, or leave it whole where the key is lost.

    ImagePositionPatient is the corner that one slice of the mosaic's size would have: the
    corner of the real, smaller slice lies half the difference further in.
    """
    dataset = header.dataset
    found = _mosaic_header(dataset)
    position = attributes.get_numbers(dataset, "ImagePositionPatient", 3)
    whole = Frame(header, copy_without_position(dataset))
    orientation, spacing = whole.image_orientation, whole.pixel_spacing
    if found is None or position is None or orientation is None or spacing is None:
        return [whole]
    count, normal = found
    side = math.ceil(math.sqrt(count))
    tiles = _tiles(header, count, side, side)
    if not tiles:
        return [whole]
    rows, columns = tiles[0].rows, tiles[0].columns
    row, column = orientation
    across = (header.columns - columns) / 2 * spacing[1]
    down = (header.rows - rows) / 2 * spacing[0]
    corner = np.array(position) + row * across + column * down
    step = abs(
        attributes.get_number(dataset, "SpacingBetweenSlices")
        or attributes.get_number(dataset, "SliceThickness")
        or 0.0
    )
    if not step:
        return [whole]
    along = np.cross(row, column)
    if normal is not None and normal @ along < 0:
        along = -along
    return [
        Frame(header, dataset, 0, corner + along * step * n, tile) for n, tile in enumerate(tiles)
    ]


def make_grid_frames(header: DicomFileHeader) -> list[Frame]:
    """Cut a UIH grid into its slices, each of which has a position of its own.

    It is as wide as a square would be, and no higher than it takes.
    """
    dataset = header.dataset
    items = attributes.get_private_items(dataset, UIH_FRAMES)
    places = [attributes.get_numbers(item, "ImagePositionPatient", 3) for item in items]
    side = math.ceil(math.sqrt(len(places)))
    tiles = _tiles(header, len(places), math.ceil(len(places) / side), side)
    if len(places) != count_grid_images(dataset) or not all(places) or not tiles:
        return [Frame(header, copy_without_position(dataset))]
    return [
        Frame(header, dataset, 0, np.array(place), tile)
        for place, tile in zip(places, tiles, strict=True)
    ]


def count_grid_images(dataset: Dataset) -> int:
    """Return the number of images in a UIH grid, 0 where there is none."""
    return int((get_private_numbers(dataset, UIH_IMAGES_IN_GRID) or (0,))[0])


def _tiles(header: DicomFileHeader, count: int, down: int, across: int) -> list[MosaicTile]:
    """Divide an image into equal tiles and return the first so many; none if that leaves a rest."""
    if header.rows % down or header.columns % across:
        return []
    rows, columns = header.rows // down, header.columns // across
    return [
        MosaicTile(n // across * rows, n % across * columns, rows, columns) for n in range(count)
    ]


def _mosaic_header(dataset: Dataset) -> tuple[int, Vector | None] | None:
    """Return the number of slices in a mosaic, and the direction in which they follow."""
    tags = frozenset(["NumberOfImagesInMosaic", "SliceNormalVector"])
    data = attributes.get_private_value(dataset, CSA_IMAGE_HEADER)
    found = read_csa_values(data, tags) if isinstance(data, bytes) else {}
    normal = found.get("SliceNormalVector", [])
    try:
        count = int(found.get("NumberOfImagesInMosaic", ["0"])[0])
        direction = np.array([float(x) for x in normal]) if len(normal) == 3 else None
    except ValueError:
        return None
    if not count:
        count = int((get_private_numbers(dataset, IMAGES_IN_MOSAIC) or (0,))[0])
    return (count, direction) if count > 0 else None
