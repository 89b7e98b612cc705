"""Windows as a reading room uses them: presets, and the arithmetic of width and center."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from napari_medread.core.contrast_limits import limits_from_window
from napari_medread.core.volume import Window

Limits = tuple[float, float]
"""The values at which a window turns black and white."""

CT_WINDOWS: tuple[Window, ...] = (
    (40, 350, "Abdomen"),
    (30, 150, "Liver"),
    (40, 400, "Soft tissue"),
    (50, 350, "Mediastinum"),
    (-500, 1400, "Lung"),
    (300, 600, "Vessels (CTA)"),
    (400, 1000, "Bone"),
    (600, 2800, "Temporal bone"),
    (50, 100, "Brain"),
    (40, 40, "Stroke"),
    (75, 215, "Subdural"),
)
"""Center, width and name of usual CT windows, in HU.

Abdomen, lung, bone and brain are those of 3D Slicer; liver, mediastinum, stroke and temporal bone
those of Radiopaedia's article on windowing, of whose ranges for subdural blood (width 130 to 300,
center 50 to 100) the middle was taken; soft tissue is OHIF's; CTA as in Orthanc's viewer.
"""

_SUV_TOPS = (5, 7, 10, 15, 20)
"""PET is read from nothing to some standardised uptake value (SUV)."""

SUV_WINDOWS: tuple[Window, ...] = tuple(
    (top / 2, float(top), f"SUV 0 to {top}") for top in _SUV_TOPS
)
"""Windows for PET in g/ml, the unit of the SUV by body weight (PS3.3 C.8.9.1.1.3)."""

_NARROWEST = 1e-15
"""No window between other than whole numbers is narrower."""

_PIXELS_TO_DOUBLE = 150
"""How far a drag goes sideways until the window is twice as wide."""

_PIXELS_PER_WIDTH = 300
"""How far a drag goes upwards until the center has moved by the window's width."""


def find_window_presets(modality: str, unit: str) -> tuple[Window, ...]:
    """Return the usual windows for values of a modality and unit.

    Those of CT are for HU alone. Where a file tells neither modality nor unit, as NIfTI and
    MetaImage do not, they are offered too: see ``is_unknown_scale``.
    """
    if unit == "HU" or is_unknown_scale(modality, unit):
        return CT_WINDOWS
    return SUV_WINDOWS if modality == "PT" and unit == "g/ml" else ()


def is_unknown_scale(modality: str, unit: str) -> bool:
    """Tell whether nothing is known of the values, so that the CT windows may not fit."""
    return not modality and not unit


def find_voi_lut_function(windows: Sequence[Window], opened: Limits | None, *, whole: bool) -> str:
    """Return by which function (VOILUTFunction) a layer's limits are a width and a center.

    Parameters
    ----------
    windows : sequence of Window
        The file's.
    opened : tuple of float or None
        The limits with which it was opened: the file's first window, by the file's function.
    whole : bool
        Whether the values are whole numbers, for which LINEAR is defined (PS3.3 C.11.2.1.2.1).
    """
    if windows and opened is not None:
        center, width, _ = windows[0]
        for function in ("LINEAR", "LINEAR_EXACT"):
            if np.allclose(limits_from_window(center, width, function), opened, rtol=1e-6, atol=0):
                return function
    return "LINEAR" if whole else "LINEAR_EXACT"


def window_from_limits(limits: Sequence[float], function: str) -> tuple[float, float]:
    """Return the center and width of limits: the reverse of ``display.window_limits``."""
    low, high = map(float, limits)
    spare = 1.0 if function == "LINEAR" else 0.0
    return (low + high + spare) / 2, high - low + spare


def find_min_width(function: str, *, whole: bool) -> float:
    """Return the narrowest width that can be drawn.

    A LINEAR window of one is a step without any grey (PS3.3 C.11.2.1.2.1). Between whole
    numbers, two is the same picture and has limits that differ.
    """
    if function == "LINEAR":
        return 2.0 if whole else 1.001
    return 1.0 if whole else _NARROWEST


def find_window_decimals(center: float, width: float, *, whole: bool) -> int:
    """Return how many decimals show a window well: four digits of its width, none of whole ones."""
    if whole:
        return 0 if all(abs(n - round(n)) < 1e-6 for n in (center, width)) else 2
    return int(np.clip(3 - math.floor(math.log10(max(width, _NARROWEST))), 2, 15))


def find_window_step(width: float, *, whole: bool) -> float:
    """Return a power of ten near a hundredth of the width; at least one between whole numbers."""
    step: float = 10.0 ** math.floor(math.log10(max(width, _NARROWEST) / 100))
    return max(step, 1.0) if whole else step


def drag_window(
    center: float, width: float, right: float, up: float, *, function: str, whole: bool
) -> tuple[float, float]:
    """Return the center and width after a drag.

    To the right is wider; up is brighter, as the center falls. Both go by the width at the
    start: a narrow window is moved finely. Back where it began, the window is as it was.

    Parameters
    ----------
    center, width : float
        At the start of the drag.
    right, up : float
        How far it has gone, in pixels of the screen.
    function : str
        ``LINEAR`` or ``LINEAR_EXACT``.
    whole : bool
        Whether the values, and so width and center, are whole numbers.
    """
    digits = None if whole else find_window_decimals(center, width, whole=False)
    if up:
        center = round(center - up * width / _PIXELS_PER_WIDTH, digits)
    if right:
        width = round(width * 2.0 ** (right / _PIXELS_TO_DOUBLE), digits)
    return center, max(width, find_min_width(function, whole=whole))
