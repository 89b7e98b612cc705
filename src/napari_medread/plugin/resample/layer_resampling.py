"""Resampling a layer: the plan, the background task, and the layer it makes."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import napari
import numpy as np
from napari.layers import Image, Labels, Layer
from napari.utils.notifications import show_error, show_info, show_warning

from napari_medread.core.affines import Float, relative_affine
from napari_medread.core.volume import Volume
from napari_medread.errors import CannotResample, MedReadError
from napari_medread.plugin.bridge.layer_metadata import with_record
from napari_medread.plugin.bridge.layer_to_volume import LayerVolume, volume_from_layer
from napari_medread.plugin.bridge.volume_to_layer import LayerData, to_layer
from napari_medread.plugin.gui.background_task import BackgroundTask, show_progress_bar
from napari_medread.plugin.gui.viewer_references import get_open_viewer, unwrap_viewer
from napari_medread.processing.target_grids import (
    RequestedSpacing,
    ResamplingTarget,
    make_resampling_target,
)
from napari_medread.processing.volume_resampling import Interpolation, resample_to_target

_KEPT_ATTRIBUTES = (
    "attenuation", "blending", "colormap", "contour", "contrast_limits", "gamma",
    "interpolation2d", "interpolation3d", "iso_threshold", "opacity", "rendering",
)  # fmt: skip
"""Attributes that the new layer takes over unchanged from its source."""


class ResamplePlan(NamedTuple):
    """Everything needed to resample a layer and to make the new layer.

    Attributes
    ----------
    source : LayerVolume
        The layer as a volume.
    target : ResamplingTarget
        The grid to resample to.
    index_to_world : array or None
        Where the new layer is drawn, as ``LayerVolume.index_to_world``. None: at its position
        in patient space.
    attributes : dict
        The attributes of the new layer that do not follow from its volume.
    kind : str
        Its type, ``image`` or ``labels``.
    """

    source: LayerVolume
    target: ResamplingTarget
    index_to_world: Float | None
    attributes: dict[str, Any]
    kind: str


def plan_resampling(
    layer: Layer,
    viewer: Any,
    *,
    spacing: RequestedSpacing | None = None,
    straighten: bool = False,
    like: Layer | None = None,
) -> ResamplePlan:
    """Return the plan for resampling a layer; see ``napari_medread.resample``.

    Parameters
    ----------
    layer : Image or Labels
    viewer : Viewer
        The viewer of the layer.
    spacing : float, sequence of float or None
        In mm, one for all axes or one for each.
    straighten : bool
        Whether to resample to the patient's axes.
    like : Layer or None
        The layer whose grid the new layer gets.

    Raises
    ------
    MedReadError
        Where the layer cannot be resampled like this.
    """
    source = volume_from_layer(layer, viewer)
    volume = source.volume
    _, attributes, kind = layer.as_layer_data_tuple()
    other = None if like is None else volume_from_layer(like, viewer)
    is_3d = volume.geometry is not None and volume.geometry.ndim == 3
    if straighten and is_3d and not source.has_patient_position:
        raise CannotResample(
            f"{volume.name}: its position in the patient is not known, so the patient's axes are "
            "not known either."
        )
    if other is not None and other.has_patient_position != source.has_patient_position:
        names = [volume.name, other.volume.name]
        positioned, unpositioned = names if source.has_patient_position else names[::-1]
        raise CannotResample(
            f"{names[0]} cannot be resampled to the grid of {names[1]}: {positioned} has a "
            f"position in the patient, {unpositioned} has none."
        )
    target = make_resampling_target(
        volume,
        spacing=spacing,
        straighten=straighten,
        like=None if other is None else other.volume,
    )
    kept = {name: attributes[name] for name in _KEPT_ATTRIBUTES if name in attributes}
    if straighten:
        return ResamplePlan(source, target, None, kept, kind)
    assert volume.geometry is not None  # noqa: S101  (make_resampling_target has raised)
    leading_count, n = len(volume.leading), target.geometry.ndim
    index_to_world = source.index_to_world.copy()
    if other is None:
        step = np.eye(layer.ndim + 1)
        step[leading_count:, leading_count:] = target.geometry.index_map(volume.geometry)
        index_to_world = index_to_world @ step
    else:
        index_to_world[leading_count:, leading_count:] = other.index_to_world[-n - 1 :, -n - 1 :]
    grid_layer = layer if like is None else like
    spatial = slice(grid_layer.ndim - n, None)
    kept["units"] = (*layer.units[:leading_count], *grid_layer.units[spatial])
    kept["axis_labels"] = (*layer.axis_labels[:leading_count], *grid_layer.axis_labels[spatial])
    return ResamplePlan(source, target, index_to_world, kept, kind)


def make_resampled_layer(plan: ResamplePlan, volume: Volume) -> LayerData:
    """Return the layer of a resampled volume, with the appearance of its source."""
    data, attributes, _ = to_layer(volume)
    for name in ("colormap", "contrast_limits"):
        attributes.pop(name, None)
    attributes |= plan.attributes
    metadata = attributes["metadata"]
    if not plan.source.has_patient_position:
        metadata.pop("patient_affine", None)
        metadata = with_record(metadata, slice_axis=None)
    if plan.index_to_world is not None:
        # napari keeps scale and translation apart from the rotation, which is its affine.
        index_to_world = plan.index_to_world
        scale = np.linalg.norm(index_to_world[:-1, :-1], axis=0)
        rotation = np.eye(volume.ndim + 1)
        rotation[:-1, :-1] = index_to_world[:-1, :-1] / scale
        if np.abs(rotation - np.diag(np.diag(rotation))).max() < 1e-9:
            rotation = np.diag(np.sign(np.diag(rotation)))
        attributes["scale"] = tuple(scale.tolist())
        translate = relative_affine(rotation, index_to_world)[:-1, -1] + 0.0
        attributes["translate"] = tuple(translate.tolist())
        attributes.pop("affine", None)
        if not np.array_equal(rotation, np.eye(volume.ndim + 1)):
            attributes["affine"] = rotation
        metadata = with_record(metadata, drawn_affine=index_to_world)
    attributes["metadata"] = metadata
    return data, attributes, plan.kind


def make_resampling_task(
    viewer: Any,
    plan: ResamplePlan,
    interpolation: Interpolation = "linear",
    *,
    smooth: bool = False,
    on_added: Callable[[Layer], None] | None = None,
) -> BackgroundTask:
    """Return a task, not started yet, that resamples and adds the new layer to the viewer.

    It is cancelled when the viewer is closed.

    Parameters
    ----------
    viewer : Viewer
    plan : ResamplePlan
    interpolation : str
        As in ``napari_medread.resample``; labels always use ``nearest``.
    smooth : bool
        Whether to smooth first where voxels become coarser.
    on_added : callable, optional
        Called with the new layer, once it is in the viewer.
    """
    task = BackgroundTask(
        lambda progress: resample_to_target(
            plan.source.volume,
            plan.target,
            interpolation=interpolation,
            smooth=smooth,
            progress=progress,
        )
    )
    viewer_ref = weakref.ref(viewer)
    task.progressed.connect(lambda *_: None if get_open_viewer(viewer_ref) else task.cancel())
    task.returned.connect(partial(_add_resampled_layer, viewer_ref, plan, on_added))
    task.refused.connect(show_error)
    return task


def _add_resampled_layer(
    viewer_ref: weakref.ref[Any],
    plan: ResamplePlan,
    on_added: Callable[[Layer], None] | None,
    volume: Volume,
) -> None:
    viewer = get_open_viewer(viewer_ref)
    if viewer is None:
        return
    layer = viewer.add_layer(Layer.create(*make_resampled_layer(plan, volume)))
    if plan.index_to_world is None:
        # It is not drawn where its source is: move to it.
        middle = np.mean(layer.extent.world, axis=0)
        viewer.dims.set_point(range(viewer.dims.ndim - layer.ndim, viewer.dims.ndim), middle)
        viewer.reset_view()
    if on_added is not None:
        on_added(layer)


def describe_resampled_volume(plan: ResamplePlan, volume: Volume) -> str:
    """Return the remarks and new notes on a resampled volume; empty where there are none."""
    # The first of the new notes only says what the user asked for.
    new_notes = volume.notes[len(plan.source.volume.notes) + 1 :]
    return " ".join([*plan.source.remarks, *new_notes])


def resample_to_isotropic(viewer: napari.Viewer) -> None:
    """Resample the active layer to isotropic voxels."""
    _resample_active_layer(viewer)


def resample_to_patient_axes(viewer: napari.Viewer) -> None:
    """Straighten the active layer to the patient's axes."""
    _resample_active_layer(viewer, straighten=True)


def _resample_active_layer(viewer: Any, **options: Any) -> None:
    viewer = unwrap_viewer(viewer)
    layer = viewer.layers.selection.active
    if not isinstance(layer, Image | Labels):
        show_info("Select an image or labels layer first.")
        return
    try:
        plan = plan_resampling(layer, viewer, **options)
    except MedReadError as error:
        show_error(str(error))
        return
    task = make_resampling_task(viewer, plan)

    def show_notes(volume: Volume) -> None:
        if notes := describe_resampled_volume(plan, volume):
            show_warning(f"{volume.name}: {notes}")

    task.returned.connect(show_notes)
    show_progress_bar(task, f"Resampling {layer.name}")
    task.start()
