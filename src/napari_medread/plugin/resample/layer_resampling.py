"""A layer resampled: what is asked for, the work, and the layer that comes of it."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any, NamedTuple

import napari
import numpy as np
from napari.layers import Image, Labels, Layer
from napari.utils.notifications import show_error, show_info, show_warning

from napari_medread.core.affines import Float, relative_affine
from napari_medread.core.volume import Volume
from napari_medread.errors import CannotResample, MedReadError
from napari_medread.plugin.bridge.layer_record import with_record
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
"""What the new layer takes over as it is."""


class ResamplePlan(NamedTuple):
    """A resampling that can be done.

    Attributes
    ----------
    source : Shown
    target : Target
    drawn : array or None
        Where the new layer is drawn, as ``Shown.drawn``. None: where its position in the
        patient says.
    attributes : dict
        The attributes of the new layer that do not follow from its volume.
    kind : str
        Its type.
    """

    source: LayerVolume
    target: ResamplingTarget
    drawn: Float | None
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
    """Return what resampling a layer comes to; see ``napari_medread.resample``.

    Raises
    ------
    MedReadError
        Where it cannot be resampled so.
    """
    source = volume_from_layer(layer, viewer)
    volume = source.volume
    _, attributes, kind = layer.as_layer_data_tuple()
    other = None if like is None else volume_from_layer(like, viewer)
    three = volume.geometry is not None and volume.geometry.ndim == 3
    if straighten and three and not source.in_patient:
        raise CannotResample(
            f"{volume.name}: its position in the patient is not known, so the patient's axes are "
            "not either."
        )
    if other is not None and other.in_patient != source.in_patient:
        names = [volume.name, other.volume.name]
        with_, without = names if source.in_patient else names[::-1]
        raise CannotResample(
            f"{names[0]} cannot be resampled to the grid of {names[1]}: {with_} has a position in "
            f"the patient, {without} has none."
        )
    target = make_resampling_target(
        volume,
        spacing=spacing,
        straighten=straighten,
        like=None if other is None else other.volume,
    )
    kept = {each: attributes[each] for each in _KEPT_ATTRIBUTES if each in attributes}
    if straighten:
        return ResamplePlan(source, target, None, kept, kind)
    assert volume.geometry is not None  # noqa: S101  (target_of has refused it)
    lead, n = len(volume.leading), target.geometry.ndim
    drawn = source.drawn.copy()
    if other is None:
        step = np.eye(layer.ndim + 1)
        step[lead:, lead:] = target.geometry.index_map(volume.geometry)
        drawn = drawn @ step
    else:
        drawn[lead:, lead:] = other.drawn[-n - 1 :, -n - 1 :]
    grid = layer if like is None else like
    space = slice(grid.ndim - n, None)
    kept["units"] = (*layer.units[:lead], *grid.units[space])
    kept["axis_labels"] = (*layer.axis_labels[:lead], *grid.axis_labels[space])
    return ResamplePlan(source, target, drawn, kept, kind)


def make_resampled_layer(plan: ResamplePlan, volume: Volume) -> LayerData:
    """Return the layer of a resampled volume: where its source was drawn, and looking like it."""
    data, attributes, _ = to_layer(volume)
    for name in ("colormap", "contrast_limits"):
        attributes.pop(name, None)
    attributes |= plan.attributes
    metadata = attributes["metadata"]
    if not plan.source.in_patient:
        metadata.pop("patient_affine", None)
        metadata = with_record(metadata, slice_axis=None)
    if plan.drawn is not None:
        drawn = plan.drawn
        lengths = np.linalg.norm(drawn[:-1, :-1], axis=0)
        turned = np.eye(volume.ndim + 1)
        turned[:-1, :-1] = drawn[:-1, :-1] / lengths
        if np.abs(turned - np.diag(np.diag(turned))).max() < 1e-9:
            turned = np.diag(np.sign(np.diag(turned)))
        attributes["scale"] = tuple(lengths.tolist())
        translate = relative_affine(turned, drawn)[:-1, -1] + 0.0
        attributes["translate"] = tuple(translate.tolist())
        attributes.pop("affine", None)
        if not np.array_equal(turned, np.eye(volume.ndim + 1)):
            attributes["affine"] = turned
        metadata = with_record(metadata, drawn_affine=drawn)
    attributes["metadata"] = metadata
    return data, attributes, plan.kind


def make_resampling_task(
    viewer: Any,
    plan: ResamplePlan,
    interpolation: Interpolation = "linear",
    *,
    smooth: bool = False,
) -> BackgroundTask:
    """Return a resampling to start; its layer is added to the viewer, if that is still open."""
    work = BackgroundTask(
        lambda progress: resample_to_target(
            plan.source.volume,
            plan.target,
            interpolation=interpolation,
            smooth=smooth,
            progress=progress,
        )
    )
    viewer_of = weakref.ref(viewer)
    work.progressed.connect(lambda *_: None if get_open_viewer(viewer_of) else work.cancel())
    work.returned.connect(partial(_add_resampled_layer, viewer_of, plan))
    work.refused.connect(show_error)
    return work


def _add_resampled_layer(viewer_of: weakref.ref[Any], plan: ResamplePlan, volume: Volume) -> None:
    viewer = get_open_viewer(viewer_of)
    if viewer is None:
        return
    layer = viewer.add_layer(Layer.create(*make_resampled_layer(plan, volume)))
    if plan.drawn is None:
        # Drawn elsewhere than its source: show it.
        middle = np.mean(layer.extent.world, axis=0)
        viewer.dims.set_point(range(viewer.dims.ndim - layer.ndim, viewer.dims.ndim), middle)
        viewer.reset_view()


def describe_resampled_volume(plan: ResamplePlan, volume: Volume) -> str:
    """Return what a person should know about a result, empty where there is nothing."""
    # The first of the new notes only says what was asked for.
    new = volume.notes[len(plan.source.volume.notes) + 1 :]
    return " ".join([*plan.source.remarks, *new])


def resample_to_isotropic(viewer: napari.Viewer) -> None:
    """Resample the active layer to isotropic voxels."""
    _resample_active_layer(viewer)


def resample_to_patient_axes(viewer: napari.Viewer) -> None:
    """Straighten the active layer to the patient's axes."""
    _resample_active_layer(viewer, straighten=True)


def _resample_active_layer(viewer: Any, **wanted: Any) -> None:
    viewer = unwrap_viewer(viewer)
    layer = viewer.layers.selection.active
    if not isinstance(layer, Image | Labels):
        show_info("Select an image or labels layer first.")
        return
    try:
        planned = plan_resampling(layer, viewer, **wanted)
    except MedReadError as error:
        show_error(str(error))
        return
    work = make_resampling_task(viewer, planned)

    def tell(volume: Volume) -> None:
        if said := describe_resampled_volume(planned, volume):
            show_warning(f"{volume.name}: {said}")

    work.returned.connect(tell)
    show_progress_bar(work, f"Resampling {layer.name}")
    work.start()
