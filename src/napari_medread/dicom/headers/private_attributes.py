"""Vendors' private attributes that reading needs: diffusion and mosaics."""

from __future__ import annotations

import math
import struct

from pydicom.dataset import Dataset

from napari_medread.dicom.headers import attributes

CSA_IMAGE_HEADER = 0x00291010
"""Siemens: CSA Image Header Info."""

IMAGES_IN_MOSAIC = 0x0019100A
"""Siemens: NumberOfImagesInMosaic, where the CSA header has been removed."""

UIH_IMAGES_IN_GRID = 0x00651050
"""UIH: number of images in a grid."""

UIH_FRAMES = 0x00651051
"""UIH: sequence of the images in a grid, each with its position."""

_B_VALUES = {
    0x0019100C: "SIEMENS",
    0x00431039: "GE",
    0x20011003: "PHILIPS",
    0x00651009: "UIH",
}
_DIRECTIONS = (0x0019100E, 0x00651037)  # Siemens, UIH
_GE_DIRECTION = (0x001910BB, 0x001910BC, 0x001910BD)
_PHILIPS_DIRECTION = (0x200510B0, 0x200510B1, 0x200510B2)

_GE_OFFSET = 1_000_000_000
"""GE adds this to b-values of multi-shell series."""

PHILIPS_FRAME = 0x2005140F
"""Philips: sequence of a frame's own classic attributes, inside its functional groups."""

PHILIPS_SCALE_SLOPE = 0x2005100E
"""Philips: Scale Slope."""

PRIVATE_TAGS = frozenset(
    [CSA_IMAGE_HEADER, IMAGES_IN_MOSAIC, UIH_IMAGES_IN_GRID, UIH_FRAMES,
     *_B_VALUES, *_DIRECTIONS, *_GE_DIRECTION,
     *_PHILIPS_DIRECTION]
)  # fmt: skip


def get_private_numbers(dataset: Dataset, tag: int) -> tuple[float, ...]:
    """Return the numbers of a private element, also where its VR is not known."""
    value = attributes.get_private_value(dataset, tag)
    try:
        if isinstance(value, bytes):
            found = _numbers_in(value)
        else:
            items = [value] if isinstance(value, str | int | float) else value or ()
            found = tuple(float(v) for v in items)
    except (TypeError, ValueError):
        return ()
    return found if all(map(math.isfinite, found)) else ()


def _numbers_in(value: bytes) -> tuple[float, ...]:
    """Read bytes of unknown VR as decimal text, else as doubles, floats or one short."""
    text = value.strip(b"\0 ")
    if text:  # zero is all zero bytes in binary
        try:
            return tuple(float(v) for v in text.decode("ascii").split("\\") if v)
        except ValueError:
            pass
    for size, code in ((8, "d"), (4, "f"), (2, "H")):
        if len(value) % size == 0:
            return struct.unpack(f"<{len(value) // size}{code}", value)
    return ()


def find_private_diffusion(dataset: Dataset) -> tuple[float, ...] | None:
    """Return b-value, and direction where there is one, from vendors' own attributes."""
    maker = attributes.get_text(dataset, "Manufacturer").upper()
    for tag, vendor in _B_VALUES.items():
        found = get_private_numbers(dataset, tag) if vendor in maker else ()
        if found:
            b_value = found[0] % _GE_OFFSET if vendor == "GE" else found[0]
            return (b_value, *_direction(dataset))
    return None


def _direction(dataset: Dataset) -> tuple[float, ...]:
    for tag in _DIRECTIONS:
        found = get_private_numbers(dataset, tag)
        if len(found) == 3:
            return found
    for tags in (_GE_DIRECTION, _PHILIPS_DIRECTION):
        parts = [get_private_numbers(dataset, tag) for tag in tags]
        if all(parts):
            return tuple(part[0] for part in parts)
    return ()


def get_philips_scale_slope(dataset: Dataset) -> float | None:
    """Return what takes the stored values of a Philips image to those that the scanner measured.

    RescaleSlope only fits them into the integers of one image; the measured values, which can be
    compared between images, are ``(stored * RescaleSlope + RescaleIntercept) / (RescaleSlope *
    ScaleSlope)``.
    """
    found = get_private_numbers(dataset, PHILIPS_SCALE_SLOPE)
    return found[0] if found and found[0] > 0 else None
