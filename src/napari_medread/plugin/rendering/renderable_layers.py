"""Which layers can be rendered, by which presets, and what the user should know before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Image, Layer

from napari_medread.core.geometry import PATIENT_LABELS
from napari_medread.core.rendering_presets import HU_SCALE, RenderingPreset, find_rendering_presets
from napari_medread.core.size_text import format_size
from napari_medread.plugin.bridge.layer_metadata import get_record
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.bridge.oblique_drawings import find_patient_space_drawing, is_oblique
from napari_medread.plugin.rendering.lazy_loading import needs_loading_for_3d
from napari_medread.plugin.rendering.preset_appearance import has_preset_colormap
from napari_medread.plugin.rendering.rendered_voxels import (
    count_drawn_bytes,
    find_drawn_stride,
    get_drawn_data,
    get_spatial_shape,
    get_texture_limit,
    is_volume_layer,
)
from napari_medread.plugin.resample.layer_resampling import ResamplePlan, plan_resampling
from napari_medread.plugin.window_level.layer_windows import get_value_unit


def is_renderable(layer: Layer) -> bool:
    """Return whether presets can be applied: an image of three axes or more, not in colour."""
    return isinstance(layer, Image) and is_volume_layer(layer)


def find_layer_presets(layer: Layer | None) -> tuple[RenderingPreset, ...]:
    """Return the presets that fit a layer's values; none for no layer."""
    if layer is None:
        return ()
    return find_rendering_presets(str(layer.metadata.get("modality", "")), get_value_unit(layer))


def find_applied_preset(layer: Layer, presets: Sequence[RenderingPreset]) -> int | None:
    """Return the index of the preset whose colormap a layer has; None if it has another."""
    return next((n for n, preset in enumerate(presets) if has_preset_colormap(layer, preset)), None)


def is_drawn_coarsely(layer: Layer) -> bool:
    """Return whether napari leaves out voxels of a layer in 3D."""
    return bool((find_drawn_stride(layer) > 1).any())


def describe_rendering(layer: Layer | None, viewer: Any) -> str:
    """Return sentences on what the user should know before a volume is rendered.

    If there is nothing of the kind, its size in voxels.
    """
    if layer is None or viewer is None:
        return "Open a volume first: an image of three axes or more."
    sentences = []
    if needs_loading_for_3d(layer, viewer):
        megabytes = count_drawn_bytes(layer) / 1e6
        sentences.append(f"Not in memory yet: a preset first loads {megabytes:,.1f} MB.")
    if is_drawn_coarsely(layer):
        sentences.append(_describe_coarse_drawing(layer))
    has_ct_presets = any(preset.scale == HU_SCALE for preset in find_layer_presets(layer))
    if has_ct_presets and get_value_unit(layer) != HU_SCALE:
        sentences.append(
            "The unit of its values is not known: CT presets such as Bone and Lungs assume HU."
        )
    if tuple(layer.axis_labels[-3:]) != PATIENT_LABELS:
        sentences.append(
            "Its orientation in the patient is not known: the views are along its own axes."
        )
    elif is_oblique(layer) and find_patient_space_drawing(layer) is None:
        sentences.append("It is oblique, and drawn where it lies in the patient.")
    elif is_oblique(layer):
        sentences.append("It is oblique, but drawn straight: the views are along its own axes.")
    return " ".join(sentences) or f"{_format_layer_size(layer, get_spatial_shape(layer))} voxels."


def plan_gpu_sized_copy(layer: Layer, viewer: Any) -> ResamplePlan:
    """Return the plan for a copy just coarse enough for the GPU to show all of its voxels.

    Raises
    ------
    MedReadError
        Where a layer cannot be resampled.
    """
    limit = get_texture_limit() or np.inf
    geometry = volume_from_layer(layer).volume.geometry
    spacing = [1.0] * 3 if geometry is None else list(geometry.spacing)
    coarse_spacing = [
        step * max(1.0, length / limit)
        for step, length in zip(spacing, get_spatial_shape(layer), strict=True)
    ]
    return plan_resampling(layer, viewer, spacing=coarse_spacing)


def _describe_coarse_drawing(layer: Layer) -> str:
    """Return a sentence on which voxels of a layer are left out, and why."""
    stride = find_drawn_stride(layer)
    is_patient = tuple(layer.axis_labels[-3:]) == PATIENT_LABELS
    coarsest_axis = PATIENT_LABELS[int(stride.argmax())] if is_patient else "one axis"
    drawn = f"one voxel in {stride.max():.3g} along {coarsest_axis}."
    if layer.multiscale:
        shape = _format_layer_size(layer, get_drawn_data(layer).shape[-3:])
        return f"3D shows the coarsest of its {len(layer.data)} resolutions, {shape}: {drawn}"
    shape = _format_layer_size(layer, get_spatial_shape(layer))
    limit = get_texture_limit()
    return f"{shape} voxels exceed this GPU's limit of {limit} per side: 3D shows {drawn}"


def _format_layer_size(layer: Layer, shape: Sequence[int]) -> str:
    return format_size(shape, get_record(layer).slice_axis or 0)
