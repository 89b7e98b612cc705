"""How a preset makes a layer look in 3D: all that it sets, together."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image, Layer
from napari.utils import Colormap

from napari_medread.core.contrast_limits import sample
from napari_medread.core.rendering_presets import SHARE, STEP, STEPS, Preset, span_of, step_of
from napari_medread.errors import CannotRender
from napari_medread.plugin.rendering.clipping_box import drawn_step, rendered, voxel_size

Look = dict[str, Any]

_LOOK = (
    "depiction", "rendering", "blending", "opacity", "colormap", "gamma", "contrast_limits_range",
    "contrast_limits", "interpolation3d", "attenuation", "iso_threshold",
)  # fmt: skip
"""What a preset sets, in the order in which it can be set back."""


def look_of(layer: Layer) -> Look:
    """Return what a preset may set, as it is now."""
    return {name: getattr(layer, name) for name in _LOOK if hasattr(layer, name)}


def set_look(layer: Layer, look: Look) -> None:
    """Give a layer a look that it or a preset had."""
    for name, value in look.items():
        setattr(layer, name, value)


def look_by(layer: Image, preset: Preset) -> Look:
    """Return the look that a preset gives a layer, by the values that are shown of it.

    Raises
    ------
    CannotRender
        Where the layer's type of numbers has none of the values that the preset shows.
    """
    spacing = voxel_size(layer) * drawn_step(layer)
    step = step_of(spacing)
    limits = preset.limits(_span(layer)) if preset.scale == SHARE else preset.limits()
    if np.issubdtype(layer.dtype, np.integer):
        kind = np.iinfo(layer.dtype)
        if limits[1] < kind.min or limits[0] > kind.max:
            raise CannotRender(
                f"{preset.name} shows values from {limits[0]:g} to {limits[1]:g}, and "
                f"{layer.name} can hold none of them: its values are from {kind.min} to {kind.max}."
            )
    low, high = layer.contrast_limits_range
    return {
        "depiction": "volume",
        "rendering": preset.mode,
        "blending": "opaque" if preset.opaque else "translucent_no_depth",
        "opacity": 1.0,
        "colormap": colormap_of(preset, step),
        "gamma": 1.0,
        "contrast_limits_range": [min(low, limits[0]), max(high, limits[1])],
        "contrast_limits": list(limits),
        "interpolation3d": "linear",
        "attenuation": preset.attenuation * step / STEP,
        "iso_threshold": layer.iso_threshold,
    }


def is_by(layer: Layer, preset: Preset) -> bool:
    """Tell whether a layer wears the colours of a preset."""
    name = str(getattr(getattr(layer, "colormap", None), "name", ""))
    return name.startswith(f"{preset.name} ({preset.scale}, ")


def colormap_of(preset: Preset, step: float = 1.0) -> Colormap:
    """Return the transfer function of a preset, for samples ``step`` mm apart."""
    controls = np.linspace(0, 1, STEPS)
    name = f"{preset.name} ({preset.scale}, {step:.3g} mm)"
    return Colormap(preset.transfer(step), controls=controls, name=name)


def _span(layer: Image) -> tuple[float, float]:
    """Return the values of background and of what is brightest, from some of them."""
    shown = getattr(layer, "_data_view", None)  # in memory; data may not be
    is_shown = shown is not None and shown.ndim == 3
    return span_of(sample(shown if is_shown else rendered(layer)))
