"""Presets for volume rendering: how values become colour and opacity along a ray.

A preset gives the colour of each value, and its opacity: the share of the light that 1 mm of
it absorbs. So a preset looks the same whatever the voxel size. The renderer only knows the opacity
from sample to sample; ``RenderingPreset.make_transfer_function`` converts one to the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.affines import Float
from napari_medread.core.contrast_limits import make_drawable_limits

ControlPoint = tuple[float, tuple[float, float, float], float]
"""Value, colour as (red, green, blue) from 0 to 1, and opacity of 1 mm from 0 to 1."""

RenderingMode = Literal["translucent", "mip", "attenuated_mip", "average"]

TRANSFER_FUNCTION_SIZE = 256
"""Number of colours in a transfer function. Opacity is not linear between control points."""

RENDERER_STEP_VOXELS = 0.8
"""Distance between the samples of the renderer (vispy) along a ray, in voxels."""

HU_SCALE = "HU"
"""Scale of control points whose values are CT numbers."""

SPAN_SCALE = "share"
"""Scale of control points whose values are shares of the value span; see ``find_value_span``."""


@dataclass(frozen=True)
class RenderingPreset:
    """Colours, opacity and rendering mode of a volume.

    Attributes
    ----------
    name : str
        What it shows; short enough for a button.
    description : str
        One sentence about it, for a tooltip.
    control_points : tuple of ControlPoint
        Sorted by value. The first and the last value are the contrast limits.
    scale : str
        ``HU_SCALE``: values are CT numbers. ``SPAN_SCALE``: 0 is background and 1 the brightest
        tissue.
    mode : str
        Rendering mode. Only ``translucent`` uses opacity.
    attenuation : float
        How fast depth darkens in mode ``attenuated_mip``, per mm at full brightness.
    is_opaque : bool
        Whether the box of the volume is filled, as a white background needs.
    """

    name: str
    description: str
    control_points: tuple[ControlPoint, ...]
    scale: str = HU_SCALE
    mode: RenderingMode = "translucent"
    attenuation: float = 0.0
    is_opaque: bool = False

    def make_contrast_limits(self, span: tuple[float, float] = (0.0, 1.0)) -> tuple[float, float]:
        """Return the contrast limits of a layer with this preset.

        Parameters
        ----------
        span : tuple of float
            The layer's ``find_value_span``, which presets in ``SPAN_SCALE`` need.
        """
        low, high = self.control_points[0][0], self.control_points[-1][0]
        if self.scale == HU_SCALE:
            return low, high
        return make_drawable_limits(*(span[0] + end * (span[1] - span[0]) for end in (low, high)))

    def make_transfer_function(self, step: float) -> Float:
        """Return colours and opacity, evenly spaced between the contrast limits.

        Parameters
        ----------
        step : float
            Distance between samples along a ray in mm. Two samples of half the step absorb as
            much light as one of the whole step: ``1 - (1 - opacity) ** step`` (Beer-Lambert).

        Returns
        -------
        (TRANSFER_FUNCTION_SIZE, 4) array
            Red, green, blue and opacity, from 0 to 1.
        """
        values = np.array([value for value, _, _ in self.control_points])
        colours = np.array([(*colour, opacity) for _, colour, opacity in self.control_points])
        samples = np.linspace(values[0], values[-1], TRANSFER_FUNCTION_SIZE)
        columns = [np.interp(samples, values, column) for column in colours.T]
        transfer_function = np.stack(columns, axis=1)
        if self.mode == "translucent":
            transfer_function[:, 3] = 1 - (1 - transfer_function[:, 3]) ** step
        else:
            transfer_function[:, 3] = 1.0
        return transfer_function


def find_value_span(values: NDArray[Any]) -> tuple[float, float]:
    """Return the values of the background and of the brightest tissue.

    These are the 5th percentile of all values, and the 99.5th of those above the mean, so that the
    result does not depend on how much empty space surrounds the patient.
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    above = values[values > values.mean()]
    high = np.percentile(above, 99.5) if above.size else values.max()
    return make_drawable_limits(float(np.percentile(values, 5)), float(high))


def find_sample_step(spacing: tuple[float, ...] | Float) -> float:
    """Return the distance between samples along a ray in mm, averaged over directions.

    Parameters
    ----------
    spacing : (3,) sequence of float
        Voxel spacing of the rendered layer in mm.
    """
    return float(
        RENDERER_STEP_VOXELS * np.prod(np.abs(np.asarray(spacing, float))) ** (1 / len(spacing))
    )


_BLACK, _WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

_SKIN = (0.94, 0.76, 0.63)
"""The colour of everything from fat upwards: bone just below the skin does not show through."""

CT_RENDERING_PRESETS = (
    RenderingPreset(
        "Bone",
        "Bone in ivory, soft tissue transparent. Contrast in large vessels is faint.",
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
        "Contrast-enhanced blood (150 to 350 HU) in red, bone in ivory. Needs a contrast scan.",
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
        "Lungs with their vessels and airways, as if made of glass.",
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
        "Surface of the body, darker towards its outline.",
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
        "Muscle, organs and bone; fat and skin are transparent.",
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
        "Maximum along each ray: bone, calcium and contrast.",
        ((0, _BLACK, 1), (800, _WHITE, 1)),
        mode="mip",
    ),
    RenderingPreset(
        "X-ray",
        "Mean along each ray, like a radiograph.",
        ((-1000, _BLACK, 1), (0, _WHITE, 1)),
        mode="average",
    ),
)
"""For values in HU."""

MR_RENDERING_PRESETS = (
    RenderingPreset(
        "MIP",
        "Maximum along each ray: the vessels of an angiography.",
        ((0.1, _BLACK, 1), (1.15, _WHITE, 1)),
        SPAN_SCALE,
        mode="mip",
    ),
    RenderingPreset(
        "Shaded MIP",
        "Maximum along each ray, darker with depth (attenuated MIP).",
        ((0.05, _BLACK, 1), (1.15, _WHITE, 1)),
        SPAN_SCALE,
        mode="attenuated_mip",
        attenuation=0.02,
    ),
    RenderingPreset(
        "Surface",
        "The skin, or whatever else borders the dark background.",
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
        "Mean along each ray.",
        ((0.0, _BLACK, 1), (0.6, _WHITE, 1)),
        SPAN_SCALE,
        mode="average",
    ),
)
"""For MR, and for all other values without an absolute scale."""

PET_RENDERING_PRESETS = (
    RenderingPreset(
        "Inverted MIP",
        "Highest uptake along each ray, black on white, as read in nuclear medicine.",
        ((0.0, _WHITE, 1), (1.0, _BLACK, 1)),
        SPAN_SCALE,
        mode="mip",
        is_opaque=True,
    ),
    RenderingPreset(
        "Hot MIP",
        "Highest uptake along each ray, from red to white; can be shown over a CT.",
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
"""For the uptake of a tracer."""


def find_rendering_presets(modality: str, unit: str) -> tuple[RenderingPreset, ...]:
    """Return the presets that suit a volume, the most common first.

    Parameters
    ----------
    modality : str
        Modality (0008,0060), empty if unknown.
    unit : str
        Unit of the values, empty if unknown. If both are unknown the values may be HU, so the
        presets for CT follow those for MR.
    """
    if unit == "HU":
        return CT_RENDERING_PRESETS
    if modality in ("PT", "NM"):
        return PET_RENDERING_PRESETS
    if modality or unit:
        return MR_RENDERING_PRESETS
    return (
        *MR_RENDERING_PRESETS,
        *(preset for preset in CT_RENDERING_PRESETS if preset.name != "MIP"),
    )
