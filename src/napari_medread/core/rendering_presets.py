"""Looks for a volume in 3D: how values become colour and opacity along a ray.

A preset says what each value looks like: its colour, and how much of the light a layer of
1 mm of it holds back. So a preset looks alike whatever the voxels' size; the renderer, which
knows opacity only from sample to sample, gets what comes to the same (``transfer``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.contrast_limits import make_drawable_limits

Float = NDArray[np.float64]
ControlPoint = tuple[float, tuple[float, float, float], float]
RenderingMode = Literal["translucent", "mip", "attenuated_mip", "average"]

TRANSFER_FUNCTION_SIZE = 256
"""Colours in a transfer function: opacity is not linear between control points."""

RENDERER_STEP_VOXELS = 0.8
"""Of the renderer (vispy) from sample to sample, in voxels."""

HU_SCALE, SPAN_SCALE = "HU", "share"
"""What control points are given in: CT numbers, or shares of ``find_value_span``."""


@dataclass(frozen=True)
class RenderingPreset:
    """How a volume is to look.

    Attributes
    ----------
    name : str
        What is seen; short enough for a button.
    what : str
        A sentence about it.
    points : tuple
        Control points ``(value, (red, green, blue), opacity)`` by growing value, colours
        from 0 to 1 and opacity that of 1 mm. The first and the last are the contrast limits.
    scale : str
        ``HU_SCALE``: values are CT numbers. ``SPAN_SCALE``: 0 is background and 1 the brightest there is.
    mode : str
        Of rendering. Opacity only matters to ``translucent``; the others show all.
    attenuation : float
        For ``attenuated_mip``: how fast what lies behind fades, by mm of full brightness.
    opaque : bool
        Whether to fill the volume's box, as a white background has to.
    """

    name: str
    what: str
    points: tuple[ControlPoint, ...]
    scale: str = HU_SCALE
    mode: RenderingMode = "translucent"
    attenuation: float = 0.0
    opaque: bool = False

    def limits(self, span: tuple[float, float] = (0.0, 1.0)) -> tuple[float, float]:
        """Return the contrast limits; ``span`` is that of the values, where it is needed."""
        low, high = self.points[0][0], self.points[-1][0]
        if self.scale == HU_SCALE:
            return low, high
        return make_drawable_limits(*(span[0] + end * (span[1] - span[0]) for end in (low, high)))

    def transfer(self, step: float) -> Float:
        """Return colour and opacity between the contrast limits, (STEPS, 4), evenly spaced.

        Parameters
        ----------
        step : float
            From sample to sample along a ray, in mm. Two samples of half the step hold back
            as much light as one of the whole: ``1 - (1 - opacity) ** step`` (Beer-Lambert).
        """
        values = np.array([point[0] for point in self.points])
        colours = np.array([(*point[1], point[2]) for point in self.points])
        at = np.linspace(values[0], values[-1], TRANSFER_FUNCTION_SIZE)
        found = np.stack([np.interp(at, values, column) for column in colours.T], axis=1)
        if self.mode == "translucent":
            found[:, 3] = 1 - (1 - found[:, 3]) ** step
        else:
            found[:, 3] = 1.0
        return found


def find_value_span(values: NDArray[Any]) -> tuple[float, float]:
    """Return the values of background and of what is brightest.

    The 5th percentile of all, and the 99.5th of those above the mean, so that the result
    does not depend on how much empty space surrounds the patient.
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    above = values[values > values.mean()]
    high = np.percentile(above, 99.5) if above.size else values.max()
    return make_drawable_limits(float(np.percentile(values, 5)), float(high))


def find_sample_step(spacing: tuple[float, ...] | Float) -> float:
    """Return how far apart samples along a ray are in mm, on average over directions."""
    return float(
        RENDERER_STEP_VOXELS * np.prod(np.abs(np.asarray(spacing, float))) ** (1 / len(spacing))
    )


_BLACK, _WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

_SKIN = (0.94, 0.76, 0.63)
"""One colour from fat upwards, so that bone just below the skin does not show through it."""

CT_RENDERING_PRESETS = (
    RenderingPreset(
        "Bone",
        "Bone in ivory; soft tissue is clear. Contrast in large vessels is faint.",
        (
            (100, (0.35, 0.17, 0.10), 0.0),
            (180, (0.42, 0.22, 0.13), 0.02),
            (280, (0.72, 0.55, 0.38), 0.14),
            (450, (0.94, 0.87, 0.74), 0.35),
            (800, (1.0, 0.97, 0.90), 0.6),
            (1500, (1.0, 1.0, 0.98), 0.9),
        ),
    ),
    RenderingPreset(
        "Vessels",
        "Blood with contrast (150 to 350 HU) in red, bone in ivory. Needs a scan with contrast.",
        (
            (100, (0.40, 0.02, 0.02), 0.0),
            (130, (0.50, 0.04, 0.04), 0.01),
            (160, (0.72, 0.08, 0.06), 0.05),
            (230, (0.85, 0.16, 0.11), 0.09),
            (290, (0.90, 0.42, 0.30), 0.12),
            (360, (0.92, 0.80, 0.64), 0.25),
            (800, (1.0, 0.97, 0.90), 0.5),
            (1500, (1.0, 1.0, 0.98), 0.8),
        ),
    ),
    RenderingPreset(
        "Lungs",
        "Lungs, their vessels and airways as if of glass.",
        (
            (-1000, (0.30, 0.45, 0.60), 0.0),
            (-960, (0.30, 0.45, 0.60), 0.0),
            (-900, (0.35, 0.50, 0.70), 0.004),
            (-750, (0.60, 0.50, 0.50), 0.010),
            (-600, (0.85, 0.45, 0.38), 0.05),
            (-450, (0.95, 0.55, 0.42), 0.02),
            (-300, (0.95, 0.55, 0.42), 0.0),
        ),
    ),
    RenderingPreset(
        "Skin",
        "The surface of the body, darker where it turns away.",
        (
            (-850, (0.20, 0.09, 0.06), 0.0),
            (-600, (0.26, 0.13, 0.09), 0.035),
            (-300, (0.58, 0.36, 0.27), 0.07),
            (-110, _SKIN, 0.12),
            (50, _SKIN, 0.3),
            (150, _SKIN, 0.4),
        ),
    ),
    RenderingPreset(
        "Soft tissue",
        "Muscle and organs, through clear fat and skin, with bone.",
        (
            (-160, (0.95, 0.80, 0.55), 0.0),
            (-60, (0.90, 0.68, 0.45), 0.002),
            (20, (0.42, 0.15, 0.12), 0.012),
            (60, (0.62, 0.26, 0.20), 0.035),
            (100, (0.80, 0.42, 0.32), 0.06),
            (150, (0.90, 0.58, 0.45), 0.08),
            (300, (0.95, 0.86, 0.70), 0.2),
            (1000, (1.0, 1.0, 0.95), 0.6),
        ),
    ),
    RenderingPreset(
        "MIP",
        "The brightest value along each ray: bone, calcium and contrast.",
        ((0, _BLACK, 1), (800, _WHITE, 1)),
        mode="mip",
    ),
    RenderingPreset(
        "X-ray",
        "The mean along each ray, which is how a radiograph comes about.",
        ((-1000, _BLACK, 1), (0, _WHITE, 1)),
        mode="average",
    ),
)
"""For values in HU."""

MR_RENDERING_PRESETS = (
    RenderingPreset(
        "MIP",
        "The brightest value along each ray: vessels of an angiography.",
        ((0.1, _BLACK, 1), (1.15, _WHITE, 1)),
        SPAN_SCALE,
        mode="mip",
    ),
    RenderingPreset(
        "Shaded MIP",
        "The brightest value along each ray, fainter the deeper it lies (attenuated MIP).",
        ((0.05, _BLACK, 1), (1.15, _WHITE, 1)),
        SPAN_SCALE,
        mode="attenuated_mip",
        attenuation=0.02,
    ),
    RenderingPreset(
        "Surface",
        "The skin, or whatever else borders on the dark background.",
        (
            (0.05, (0.16, 0.08, 0.05), 0.0),
            (0.15, (0.30, 0.16, 0.11), 0.05),
            (0.3, (0.66, 0.44, 0.34), 0.09),
            (0.45, _SKIN, 0.18),
            (1.0, _SKIN, 0.4),
        ),
        SPAN_SCALE,
    ),
    RenderingPreset(
        "Translucent",
        "Bright tissue seen through the rest: the brain through skin and skull.",
        (
            (0.1, (0.20, 0.25, 0.35), 0.0),
            (0.25, (0.35, 0.40, 0.50), 0.004),
            (0.5, (0.70, 0.60, 0.55), 0.012),
            (0.75, (0.95, 0.82, 0.72), 0.04),
            (1.0, (1.0, 0.97, 0.92), 0.12),
        ),
        SPAN_SCALE,
    ),
    RenderingPreset(
        "Mean",
        "The mean along each ray.",
        ((0.0, _BLACK, 1), (0.6, _WHITE, 1)),
        SPAN_SCALE,
        mode="average",
    ),
)
"""For MR, and for all whose values mean nothing by themselves."""

PET_RENDERING_PRESETS = (
    RenderingPreset(
        "Inverted MIP",
        "The highest uptake along each ray, black on white, as nuclear medicine reads it.",
        ((0.0, _WHITE, 1), (1.0, _BLACK, 1)),
        SPAN_SCALE,
        mode="mip",
        opaque=True,
    ),
    RenderingPreset(
        "Hot MIP",
        "The highest uptake along each ray, from red to white; may lie over a CT.",
        (
            (0.1, _BLACK, 1),
            (0.4, (0.8, 0.0, 0.0), 1),
            (0.7, (1.0, 0.65, 0.0), 1),
            (1.0, _WHITE, 1),
        ),
        SPAN_SCALE,
        mode="mip",
    ),
)
"""For uptake of a tracer."""


def find_rendering_presets(modality: str, unit: str) -> tuple[RenderingPreset, ...]:
    """Return the presets that fit values, those wanted most often first.

    Parameters
    ----------
    modality, unit : str
        Modality (0008,0060) and the unit of the values; empty where not known. Values of
        neither may be HU: then there are those for CT too, after the others.
    """
    if unit == "HU":
        return CT_RENDERING_PRESETS
    if modality in ("PT", "NM"):
        return PET_RENDERING_PRESETS
    if modality or unit:
        return MR_RENDERING_PRESETS
    return (*MR_RENDERING_PRESETS, *(each for each in CT_RENDERING_PRESETS if each.name != "MIP"))
