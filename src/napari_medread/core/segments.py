"""Segments: what the values of a label image stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

RGB = tuple[float, float, float]
"""Red, green and blue in sRGB, from 0 to 1."""


@dataclass(frozen=True)
class Segment:
    """One segment of a label image.

    Attributes
    ----------
    value : int
        The value of its voxels.
    number : int
        Its number in the file: SegmentNumber or ROINumber. It differs from the value only where
        a number does not fit into a label image.
    name : str
        SegmentLabel or ROIName.
    color : RGB or None
        The colour to draw it in, if the file gives one.
    properties : mapping of str to str
        Further attributes, by a name in lower case: ``category``, ``type``, ``algorithm_type``, ...
    """

    value: int
    number: int
    name: str
    color: RGB | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


def clean_name(text: str) -> str:
    """Return a text on one line, without control characters."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text).split())


def describe_hidden_names(count: int) -> str:
    """Return the note on names that were replaced, as they identify a patient."""
    names = "name holds" if count == 1 else "names hold"
    return f"{count} {names} the patient's name or ID: a number is shown instead."


def rgb_from_cielab(lightness: float, a: float, b: float) -> RGB:
    """Return the sRGB colour of a CIELab value with the white point D65, clipped to the gamut.

    PS3.3 C.10.7.1.1 refers to the profile connection space, whose white is D50. Programs that write
    segmentations (highdicom, dcmqi, 3D Slicer) take the white of sRGB, and so does this function.

    Parameters
    ----------
    lightness : float
        L*, 0 to 100.
    a, b : float
        a* and b*, about -128 to 127.
    """
    fy = (lightness + 16) / 116
    f = np.array([fy + a / 500, fy, fy - b / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _D65_WHITE
    linear = (_XYZ_TO_LINEAR_SRGB @ xyz).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return float(srgb[0]), float(srgb[1]), float(srgb[2])


_D65_WHITE = np.array([0.95047, 1.0, 1.08883])

_XYZ_TO_LINEAR_SRGB = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
"""From XYZ relative to D65 to linear sRGB (IEC 61966-2-1)."""
