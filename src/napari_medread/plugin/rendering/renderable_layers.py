"""Which layers can be rendered, by which presets, and what is worth knowing before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Image, Layer

from napari_medread.core.geometry import PATIENT_LABELS
from napari_medread.core.rendering_presets import HU, Preset, presets_for
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.bridge.patient_space import in_patient_of, is_oblique
from napari_medread.plugin.rendering.clipping_box import (
    drawn_step,
    is_volume,
    rendered,
    spatial_shape,
    texture_limit,
)
from napari_medread.plugin.rendering.lazy_loading import must_read, nbytes_of
from napari_medread.plugin.rendering.preset_appearance import is_by
from napari_medread.plugin.resample.layer_resampling import Plan, plan
from napari_medread.plugin.window_level.layer_windows import unit_of


def is_renderable(layer: Layer) -> bool:
    """Tell whether presets are for a layer: an image of three axes or more, not in colour."""
    return isinstance(layer, Image) and is_volume(layer)


def offered_for(layer: Layer | None) -> tuple[Preset, ...]:
    """Return the presets that fit a layer's values; none for no layer."""
    if layer is None:
        return ()
    return presets_for(str(layer.metadata.get("modality", "")), unit_of(layer))


def worn(layer: Layer, offered: Sequence[Preset]) -> int | None:
    """Return which of the presets a layer wears the colours of."""
    return next((n for n, preset in enumerate(offered) if is_by(layer, preset)), None)


def is_coarse(layer: Layer) -> bool:
    """Tell whether napari leaves out voxels of a layer in 3D."""
    return bool((drawn_step(layer) > 1).any())


def said_of(layer: Layer | None, viewer: Any) -> str:
    """Say how large a volume is, and what is worth knowing before it is rendered."""
    if layer is None or viewer is None:
        return "Open a volume first: an image of three axes or more."
    said = []
    if must_read(layer, viewer):
        said.append(f"Not in memory yet: a preset first reads {nbytes_of(layer) / 1e6:,.1f} MB.")
    if is_coarse(layer):
        said.append(_coarse(layer))
    if any(each.scale == HU for each in offered_for(layer)) and unit_of(layer) != HU:
        said.append("Its values have no unit: Bone, Lungs and the like take them for HU.")
    if tuple(layer.axis_labels[-3:]) != PATIENT_LABELS:
        said.append("Its axes are not known to be the patient's: the views are along its own.")
    elif is_oblique(layer) and in_patient_of(layer) is None:
        said.append("It is oblique and stands where it lies in the patient.")
    elif is_oblique(layer):
        said.append("It is oblique and drawn straight: the views are along its own axes.")
    return " ".join(said) or f"{_times(spatial_shape(layer))} voxels."


def copy_that_fits(layer: Layer, viewer: Any) -> Plan:
    """Return the plan of a copy just so coarse that the GPU takes all its voxels.

    Raises
    ------
    MedReadError
        Where a layer cannot be resampled.
    """
    limit = texture_limit() or np.inf
    geometry = volume_from_layer(layer).volume.geometry
    spacing = [1.0] * 3 if geometry is None else list(geometry.spacing)
    fitting = [
        step * max(1.0, length / limit)
        for step, length in zip(spacing, spatial_shape(layer), strict=True)
    ]
    return plan(layer, viewer, spacing=fitting)


def _coarse(layer: Layer) -> str:
    """Say which voxels of a layer are left out, and why."""
    steps = drawn_step(layer)
    is_patient = tuple(layer.axis_labels[-3:]) == PATIENT_LABELS
    worst = PATIENT_LABELS[int(steps.argmax())] if is_patient else "one axis"
    left = f"one voxel in {steps.max():.3g} along {worst}."
    if layer.multiscale:
        shape = rendered(layer).shape[-3:]
        return (
            f"Of its {len(layer.data)} resolutions 3D shows the coarsest, {_times(shape)}: {left}"
        )
    size = _times(spatial_shape(layer))
    return f"{size} voxels exceed the {texture_limit()} of this GPU: shown coarsened, {left}"


def _times(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
