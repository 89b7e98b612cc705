"""Presets for display windows, and the arithmetic of window width and window center."""

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
"""Center, width and name of common CT windows, in HU.

Abdomen, lung, bone and brain are those of 3D Slicer. Liver, mediastinum, stroke and temporal bone
are those of Radiopaedia's article on windowing; subdural is the middle of the ranges it gives
(width 130 to 300, center 50 to 100). Soft tissue is that of OHIF, CTA that of Orthanc's viewer.
"""

_SUV_MAXIMA = (5, 7, 10, 15, 20)
"""Upper ends of the windows for PET, standardised uptake values (SUV). They begin at 0."""

SUV_WINDOWS: tuple[Window, ...] = tuple(
    (maximum / 2, float(maximum), f"SUV 0 to {maximum}") for maximum in _SUV_MAXIMA
)
"""Windows for PET in g/ml, the unit of the SUV by body weight (PS3.3 C.8.9.1.1.3)."""

DISPLAYED_WINDOW = "Displayed when saved"
"""Explanation of a window that was set in napari, in DICOM files written by this package."""

MIN_WIDTH = 1e-15
"""Smallest width of a window of values that are not integers."""

DOUBLING_DISTANCE_PX = 150
"""Horizontal distance of a drag that doubles the width of the window, in screen pixels."""

WIDTH_DISTANCE_PX = 300
"""Vertical distance of a drag that moves the center by the width, in screen pixels."""


def find_window_presets(modality: str, unit: str) -> tuple[Window, ...]:
    """Return the common windows for values of a modality and unit.

    Those of CT are for HU only. They are also returned if neither modality nor unit is known, as
    with NIfTI and MetaImage, although they may not fit then; see ``is_unknown_scale``.

    Parameters
    ----------
    modality : str
        Modality (0008,0060), empty if unknown.
    unit : str
        Unit of the values, empty if unknown.
    """
    if unit == "HU" or is_unknown_scale(modality, unit):
        return CT_WINDOWS
    return SUV_WINDOWS if modality == "PT" and unit == "g/ml" else ()


def is_unknown_scale(modality: str, unit: str) -> bool:
    """Return whether nothing is known about the values, so that CT windows may not fit."""
    return not modality and not unit


def find_voi_lut_function(
    windows: Sequence[Window], opened: Limits | None, *, is_integer: bool
) -> str:
    """Return the VOILUTFunction that converts a layer's contrast limits to width and center.

    Parameters
    ----------
    windows : sequence of Window
        The windows of the file.
    opened : tuple of float or None
        The contrast limits with which the layer was opened: those of the file's first window by
        the file's function, which they reveal.
    is_integer : bool
        Whether the values are integers, for which LINEAR is defined (PS3.3 C.11.2.1.2.1).

    Returns
    -------
    str
        ``LINEAR`` or ``LINEAR_EXACT``.
    """
    if windows and opened is not None:
        center, width, _ = windows[0]
        for function in ("LINEAR", "LINEAR_EXACT"):
            if np.allclose(limits_from_window(center, width, function), opened, rtol=1e-6, atol=0):
                return function
    return "LINEAR" if is_integer else "LINEAR_EXACT"


def window_from_limits(limits: Sequence[float], function: str) -> tuple[float, float]:
    """Return the center and width of contrast limits: the inverse of ``limits_from_window``."""
    low, high = map(float, limits)
    extra = 1.0 if function == "LINEAR" else 0.0
    return (low + high + extra) / 2, high - low + extra


def find_min_width(function: str, *, is_integer: bool) -> float:
    """Return the smallest width that can be drawn.

    A LINEAR window of width 1 is a step from black to white (PS3.3 C.11.2.1.2.1). For integers,
    width 2 looks the same and has limits that differ, as napari needs.
    """
    if function == "LINEAR":
        return 2.0 if is_integer else 1.001
    return 1.0 if is_integer else MIN_WIDTH


def find_window_decimals(center: float, width: float, *, is_integer: bool) -> int:
    """Return the number of decimals to show: four digits of the width, none for integers."""
    if is_integer:
        return 0 if all(abs(value - round(value)) < 1e-6 for value in (center, width)) else 2
    return int(np.clip(3 - math.floor(math.log10(max(width, MIN_WIDTH))), 2, 15))


def find_window_step(width: float, *, is_integer: bool) -> float:
    """Return the step of the controls: a power of ten near width / 100, at least 1 for integers."""
    step: float = 10.0 ** math.floor(math.log10(max(width, MIN_WIDTH) / 100))
    return max(step, 1.0) if is_integer else step


def drag_window(
    center: float, width: float, right: float, up: float, *, function: str, is_integer: bool
) -> tuple[float, float]:
    """Return the center and width of a window after a mouse drag.

    Dragging right widens the window; dragging up lowers the center, which brightens the image.
    Both are proportional to the width at the start, so that narrow windows change finely. Back at
    the starting point, the window is the same as before.

    Parameters
    ----------
    center, width : float
        The window at the start of the drag.
    right, up : float
        Distance from the start of the drag, in screen pixels.
    function : str
        ``LINEAR`` or ``LINEAR_EXACT``.
    is_integer : bool
        Whether the values are integers, and so width and center.
    """
    digits = None if is_integer else find_window_decimals(center, width, is_integer=False)
    if up:
        center = round(center - up * width / WIDTH_DISTANCE_PX, digits)
    if right:
        width = round(width * 2.0 ** (right / DOUBLING_DISTANCE_PX), digits)
    return center, max(width, find_min_width(function, is_integer=is_integer))
