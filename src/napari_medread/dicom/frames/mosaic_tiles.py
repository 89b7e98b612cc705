"""Mosaics of Siemens and grids of UIH: the slices of a volume side by side in one image."""

from __future__ import annotations

import math

import numpy as np
from pydicom.dataset import Dataset

from napari_medread.dicom.frames.frame import Frame, Tile, Vector, without_position
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.csa_header import csa_values
from napari_medread.dicom.headers.header_scan import Header
from napari_medread.dicom.headers.private_attributes import (
    CSA_IMAGE_HEADER,
    IMAGES_IN_MOSAIC,
    UIH_FRAMES,
    UIH_IMAGES_IN_GRID,
    private_numbers,
)


def mosaic_frames(header: Header) -> list[Frame]:
    """Cut a Siemens mosaic into its slices, or leave it whole where the key is lost.

    ImagePositionPatient is the corner that one slice of the mosaic's size would have: the
    corner of the real, smaller slice lies half the difference further in.
    """
    dataset = header.dataset
    found = _mosaic_header(dataset)
    position = attributes.numbers(dataset, "ImagePositionPatient", 3)
    whole = Frame(header, without_position(dataset))
    orientation, spacing = whole.orientation, whole.pixel_spacing
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
        attributes.number(dataset, "SpacingBetweenSlices")
        or attributes.number(dataset, "SliceThickness")
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


def grid_frames(header: Header) -> list[Frame]:
    """Cut a UIH grid into its slices, each of which has a position of its own.

    It is as wide as a square would be, and no higher than it takes.
    """
    dataset = header.dataset
    items = attributes.private_items(dataset, UIH_FRAMES)
    places = [attributes.numbers(item, "ImagePositionPatient", 3) for item in items]
    side = math.ceil(math.sqrt(len(places)))
    tiles = _tiles(header, len(places), math.ceil(len(places) / side), side)
    if len(places) != images_in_grid(dataset) or not all(places) or not tiles:
        return [Frame(header, without_position(dataset))]
    return [
        Frame(header, dataset, 0, np.array(place), tile)
        for place, tile in zip(places, tiles, strict=True)
    ]


def images_in_grid(dataset: Dataset) -> int:
    """Return the number of images in a UIH grid, 0 where there is none."""
    return int((private_numbers(dataset, UIH_IMAGES_IN_GRID) or (0,))[0])


def _tiles(header: Header, count: int, down: int, across: int) -> list[Tile]:
    """Divide an image into equal tiles and return the first so many; none if that leaves a rest."""
    if header.rows % down or header.columns % across:
        return []
    rows, columns = header.rows // down, header.columns // across
    return [Tile(n // across * rows, n % across * columns, rows, columns) for n in range(count)]


def _mosaic_header(dataset: Dataset) -> tuple[int, Vector | None] | None:
    """Return the number of slices in a mosaic, and the direction in which they follow."""
    tags = frozenset(["NumberOfImagesInMosaic", "SliceNormalVector"])
    data = attributes.private_value(dataset, CSA_IMAGE_HEADER)
    found = csa_values(data, tags) if isinstance(data, bytes) else {}
    normal = found.get("SliceNormalVector", [])
    try:
        count = int(found.get("NumberOfImagesInMosaic", ["0"])[0])
        direction = np.array([float(x) for x in normal]) if len(normal) == 3 else None
    except ValueError:
        return None
    if not count:
        count = int((private_numbers(dataset, IMAGES_IN_MOSAIC) or (0,))[0])
    return (count, direction) if count > 0 else None
