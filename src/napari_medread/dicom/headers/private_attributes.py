"""Vendors' private attributes that reading needs: mosaics, diffusion and Philips' scaling."""

from __future__ import annotations

import math
import struct

from pydicom.dataset import Dataset

from napari_medread.dicom.headers import attributes

CSA_IMAGE_HEADER = 0x00291010
"""Siemens: CSA Image Header Info, see ``csa_header``."""

IMAGES_IN_MOSAIC = 0x0019100A
"""Siemens: NumberOfImagesInMosaic, used where the CSA header was removed."""

UIH_IMAGES_IN_GRID = 0x00651050
"""UIH: number of images in a grid."""

UIH_FRAMES = 0x00651051
"""UIH: sequence with one item, which holds a position, for each image in a grid."""

_B_VALUE_TAGS = {
    0x0019100C: "SIEMENS",
    0x00431039: "GE",
    0x20011003: "PHILIPS",
    0x00651009: "UIH",
}
"""Diffusion b-value: tag, and the word in Manufacturer that says whose it is."""

_DIRECTION_TAGS = (0x0019100E, 0x00651037)
"""Diffusion gradient direction, three numbers in one element: Siemens, UIH."""

_GE_DIRECTION_TAGS = (0x001910BB, 0x001910BC, 0x001910BD)
_PHILIPS_DIRECTION_TAGS = (0x200510B0, 0x200510B1, 0x200510B2)
"""Diffusion gradient direction, each number in an element of its own: GE, Philips."""

_GE_B_VALUE_OFFSET = 1_000_000_000
"""GE adds this, or a multiple of it, to the b-values of multi-shell series."""

PHILIPS_FRAME = 0x2005140F
"""Philips: sequence in a frame's functional groups that holds attributes of single-frame MR."""

PHILIPS_SCALE_SLOPE = 0x2005100E
"""Philips: Scale Slope, see ``get_philips_scale_slope``."""

PRIVATE_TAGS = frozenset(
    [CSA_IMAGE_HEADER, IMAGES_IN_MOSAIC, UIH_IMAGES_IN_GRID, UIH_FRAMES,
     *_B_VALUE_TAGS, *_DIRECTION_TAGS, *_GE_DIRECTION_TAGS,
     *_PHILIPS_DIRECTION_TAGS]
)  # fmt: skip


def get_private_numbers(dataset: Dataset, tag: int) -> tuple[float, ...]:
    """Return the numbers of a private element, also if its VR is unknown.

    Empty where the element is absent, is not numeric, or holds a number that is not finite.
    """
    value = attributes.get_private_value(dataset, tag)
    try:
        if isinstance(value, bytes):
            numbers = _parse_numbers(value)
        else:
            items = [value] if isinstance(value, str | int | float) else value or ()
            numbers = tuple(float(v) for v in items)
    except (TypeError, ValueError):
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def _parse_numbers(value: bytes) -> tuple[float, ...]:
    """Return the numbers in bytes of unknown VR: decimal text, else doubles, floats or shorts."""
    text = value.strip(b"\0 ")
    if text:  # a binary zero consists of zero bytes only
        try:
            return tuple(float(v) for v in text.decode("ascii").split("\\") if v)
        except ValueError:
            pass
    for size, code in ((8, "d"), (4, "f"), (2, "H")):
        if len(value) % size == 0:
            return struct.unpack(f"<{len(value) // size}{code}", value)
    return ()


def find_private_diffusion(dataset: Dataset) -> tuple[float, ...] | None:
    """Return b-value and gradient direction from vendors' private attributes.

    Returns
    -------
    tuple of float or None
        The b-value in s/mm², followed by the three components of the direction if it is given; None
        if there is no b-value.
    """
    manufacturer = attributes.get_text(dataset, "Manufacturer").upper()
    for tag, vendor in _B_VALUE_TAGS.items():
        numbers = get_private_numbers(dataset, tag) if vendor in manufacturer else ()
        if numbers:
            b_value = numbers[0] % _GE_B_VALUE_OFFSET if vendor == "GE" else numbers[0]
            return (b_value, *_find_gradient_direction(dataset))
    return None


def _find_gradient_direction(dataset: Dataset) -> tuple[float, ...]:
    """Return the three components of the diffusion gradient direction; none if not given."""
    for tag in _DIRECTION_TAGS:
        numbers = get_private_numbers(dataset, tag)
        if len(numbers) == 3:
            return numbers
    for tags in (_GE_DIRECTION_TAGS, _PHILIPS_DIRECTION_TAGS):
        parts = [get_private_numbers(dataset, tag) for tag in tags]
        if all(parts):
            return tuple(part[0] for part in parts)
    return ()


def get_philips_scale_slope(dataset: Dataset) -> float | None:
    """Return Philips' Scale Slope, which leads from stored to measured values; None if not given.

    RescaleSlope only fits the values of one image into integers. The measured values, which can be
    compared between images, are ``(stored * RescaleSlope + RescaleIntercept) / (RescaleSlope *
    ScaleSlope)``.
    """
    numbers = get_private_numbers(dataset, PHILIPS_SCALE_SLOPE)
    return numbers[0] if numbers and numbers[0] > 0 else None
