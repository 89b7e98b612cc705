"""From a rendering preset to the appearance of a layer in 3D: all properties that it sets."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image, Layer
from napari.utils import Colormap

from napari_medread.core.contrast_limits import sample_voxels
from napari_medread.core.rendering_presets import (
    RENDERER_STEP_VOXELS,
    SPAN_SCALE,
    TRANSFER_FUNCTION_SIZE,
    RenderingPreset,
    find_sample_step,
    find_value_span,
)
from napari_medread.errors import CannotRender
from napari_medread.plugin.rendering.rendered_voxels import (
    find_drawn_stride,
    find_voxel_size,
    get_drawn_data,
)

LayerAppearance = dict[str, Any]
"""Properties of a layer by name, with their values."""

_PROPERTIES = (
    "depiction", "rendering", "blending", "opacity", "colormap", "gamma", "contrast_limits_range",
    "contrast_limits", "interpolation3d", "attenuation", "iso_threshold",
)  # fmt: skip
"""The properties that a preset sets, in an order in which they can be restored."""


def read_appearance(layer: Layer) -> LayerAppearance:
    """Return the properties that a preset may set, as they are now."""
    return {name: getattr(layer, name) for name in _PROPERTIES if hasattr(layer, name)}


def apply_appearance(layer: Layer, appearance: LayerAppearance) -> None:
    """Set the properties of a layer, in the order given."""
    for name, value in appearance.items():
        setattr(layer, name, value)


def show_interpolation_in_use(layer: Layer, ndisplay: int) -> None:
    """Set the interpolation for 2D or 3D again, so that napari's control shows it.

    The control shows the interpolation that was set last, although a layer has one for each.
    """
    name = f"interpolation{ndisplay}d"
    if isinstance(layer, Image):
        setattr(layer, name, getattr(layer, name))


def appearance_from_preset(layer: Image, preset: RenderingPreset) -> LayerAppearance:
    """Return the appearance that a preset gives a layer, for its values and voxel size.

    Raises
    ------
    CannotRender
        Where the layer's data type holds none of the values that the preset shows.
    """
    spacing = find_voxel_size(layer) * find_drawn_stride(layer)
    step = find_sample_step(spacing)
    if preset.scale == SPAN_SCALE:
        limits = preset.make_contrast_limits(_find_layer_span(layer))
    else:
        limits = preset.make_contrast_limits()
    if np.issubdtype(layer.dtype, np.integer):
        dtype = np.iinfo(layer.dtype)
        if limits[1] < dtype.min or limits[0] > dtype.max:
            raise CannotRender(
                f"{layer.name}: {preset.name} shows values from {limits[0]:g} to {limits[1]:g}, "
                f"but its data type only holds {dtype.min} to {dtype.max}. Choose another preset."
            )
    low, high = layer.contrast_limits_range
    return {
        "depiction": "volume",
        "rendering": preset.mode,
        "blending": "opaque" if preset.is_opaque else "translucent_no_depth",
        "opacity": 1.0,
        "colormap": colormap_from_preset(preset, step),
        "gamma": 1.0,
        "contrast_limits_range": [min(low, limits[0]), max(high, limits[1])],
        "contrast_limits": list(limits),
        "interpolation3d": "linear",
        "attenuation": preset.attenuation * step / RENDERER_STEP_VOXELS,
        "iso_threshold": layer.iso_threshold,
    }


def has_preset_colormap(layer: Layer, preset: RenderingPreset) -> bool:
    """Return whether a layer has the colormap of a preset, by its name."""
    name = str(getattr(getattr(layer, "colormap", None), "name", ""))
    return name.startswith(f"{preset.name} ({preset.scale}, ")


def colormap_from_preset(preset: RenderingPreset, step: float = 1.0) -> Colormap:
    """Return the transfer function of a preset as a colormap, for samples ``step`` mm apart."""
    controls = np.linspace(0, 1, TRANSFER_FUNCTION_SIZE)
    name = f"{preset.name} ({preset.scale}, {step:.3g} mm)"
    return Colormap(preset.make_transfer_function(step), controls=controls, name=name)


def _find_layer_span(layer: Image) -> tuple[float, float]:
    """Return the values of background and of the brightest voxels, from a sample."""
    displayed = getattr(layer, "_data_view", None)  # in memory, unlike lazy data
    is_volume = displayed is not None and displayed.ndim == 3
    return find_value_span(sample_voxels(displayed if is_volume else get_drawn_data(layer)))
