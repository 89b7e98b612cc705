"""Numbers as DICOM decimal strings."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from pydicom.valuerep import format_number_as_ds

MILLIMETRE_DECIMALS = 12
"""Directions and millimetres that differ in later decimals differ by rounding."""


def format_decimal(number: float) -> str:
    """Return a number in the at most 16 characters of a decimal string (PS3.5 VR DS)."""
    return format_number_as_ds(float(number) + 0.0)  # -0.0 + 0.0 is 0.0


def format_decimals(numbers: ArrayLike) -> list[str]:
    """Return positions, directions or sizes as decimal strings, in C order.

    What is zero but for rounding becomes zero.
    """
    rounded = np.round(np.asarray(numbers, float), MILLIMETRE_DECIMALS)
    return [format_decimal(number) for number in rounded.ravel()]
