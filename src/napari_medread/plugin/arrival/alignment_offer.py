"""The warning about layers that lie differently in the patient, and resampling as its remedy."""

from __future__ import annotations

import math
import weakref
from functools import partial
from typing import Any

from napari.layers import Image, Labels, Layer
from napari.utils.notifications import show_error, show_warning

from napari_medread.core.volume import Volume
from napari_medread.errors import MedReadError
from napari_medread.plugin.arrival.orientation_check import (
    OrientationDifference,
    describe_differences,
)
from napari_medread.plugin.gui.background_task import cancel_when_removed, show_progress_bar
from napari_medread.plugin.gui.notifications import show_offer
from napari_medread.plugin.gui.viewer_references import get_open_viewer
from napari_medread.plugin.resample.layer_resampling import (
    describe_resampled_volume,
    make_resampling_task,
    plan_resampling,
)

MAX_NAME_LENGTH = 14
"""Number of characters of a layer's name that fit on a button of a notification."""


def offer_alignment(viewer: Any, differences: list[OrientationDifference]) -> None:
    """Warn that layers lie differently, and offer to resample one of them to the other's grid.

    Parameters
    ----------
    viewer : Viewer
        Neither it nor its layers are kept alive.
    differences : list of OrientationDifference
        At least one. Resampling is offered for the first; the others are counted.
    """
    pair = (differences[0].upper, differences[0].lower)
    if not all(isinstance(layer, Image | Labels) for layer in pair):
        show_warning(describe_differences(differences))  # lines and points are on no grid
        return
    # What makes the smaller layer comes first: resampling a long run to a fine grid takes long.
    moves = sorted([pair, pair[::-1]], key=lambda each: _count_resampled_voxels(*each))
    texts = [f"Resample {_shorten(moving.name)}" for moving, _ in moves]
    if texts[0] == texts[1]:
        texts = [f"Resample the {'upper' if each[0] is pair[0] else 'lower'}" for each in moves]
    show_offer(
        describe_differences(differences),
        {
            text: partial(align_layer, weakref.ref(viewer), *map(weakref.ref, each))
            for text, each in zip(texts, moves, strict=True)
        },
    )


def align_layer(
    viewer_ref: weakref.ref[Any], moving_ref: weakref.ref[Layer], fixed_ref: weakref.ref[Layer]
) -> None:
    """Resample a layer to the grid of another in the background, and hide it.

    When the new layer is removed, the original is shown again.
    """
    viewer, moving, fixed = get_open_viewer(viewer_ref), moving_ref(), fixed_ref()
    is_there = viewer is not None and {moving, fixed} <= {*viewer.layers}
    if moving is None or fixed is None or not is_there:
        show_error("Nothing was resampled: one of the two layers was removed.")
        return
    try:
        plan = plan_resampling(moving, viewer, like=fixed)
    except MedReadError as error:
        show_error(str(error))
        return
    task = make_resampling_task(
        viewer, plan, on_added=partial(_replace_layer, viewer_ref, moving_ref)
    )

    def show_remarks(volume: Volume) -> None:
        if remarks := describe_resampled_volume(plan, volume):
            show_warning(f"{volume.name}: {remarks}")

    task.returned.connect(show_remarks)
    cancel_when_removed(task, viewer, [moving])
    show_progress_bar(task, f"Resampling {moving.name}")
    task.start()


def _replace_layer(
    viewer_ref: weakref.ref[Any], original_ref: weakref.ref[Layer], layer: Layer
) -> None:
    """Put a resampled layer right above its original, and hide the original."""
    viewer, original = get_open_viewer(viewer_ref), original_ref()
    if viewer is None or original is None or original not in viewer.layers:
        return
    viewer.layers.move(viewer.layers.index(layer), viewer.layers.index(original) + 1)
    layer.visible = True
    original.visible = False
    layer_ref = weakref.ref(layer)

    def show_original(event: Any) -> None:
        if event.value is layer_ref():
            event.source.events.removed.disconnect(show_original)
            if (original := original_ref()) is not None:
                original.visible = True

    viewer.layers.events.removed.connect(show_original)


def _count_resampled_voxels(moving: Layer, fixed: Layer) -> int:
    """Return how many voxels a layer has on the grid of another."""
    leading, grid = moving.data.shape[: moving.ndim - 3], fixed.data.shape[: fixed.ndim][-3:]
    return math.prod((*leading, *grid))


def _shorten(name: str) -> str:
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 1]}…"
