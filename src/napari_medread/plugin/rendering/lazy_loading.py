"""Loading the volume of a lazy layer into memory, in the background, for 3D and other planes."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
import psutil
from napari.layers import Image, Layer

from napari_medread.core.progress import Progress
from napari_medread.errors import CannotRender
from napari_medread.plugin.bridge.layer_transforms import get_displayed_frame
from napari_medread.plugin.bridge.volume_to_layer import to_numpy_or_dask
from napari_medread.plugin.gui.background_task import BackgroundTask, cancel_when_removed
from napari_medread.plugin.rendering.rendered_voxels import get_drawn_data

_MAX_MEMORY_FRACTION = 0.8
"""Fraction of the free memory that a volume may take."""


class _LoadedFrame(NamedTuple):
    """The one volume of a lazy layer that is in memory.

    Attributes
    ----------
    frame : tuple of int
        Its index along the axes before the last three.
    data_ref : weak reference
        To the layer's data with this volume.
    source : array or None
        The same without it, to which another volume is added; None if there is no other.
    """

    frame: tuple[int, ...]
    data_ref: weakref.ref[Any]
    source: Any


_LOADED_FRAMES: weakref.WeakKeyDictionary[Layer, _LoadedFrame] = weakref.WeakKeyDictionary()
"""What is in memory of each lazy layer."""


def needs_loading_for_3d(layer: Layer, viewer: Any) -> bool:
    """Return whether the displayed volume has to be read or computed before 3D is shown."""
    is_lazy = _is_lazy(layer, get_drawn_data(layer))
    return is_lazy and viewer.dims.ndisplay != 3 and not _is_loaded(layer, viewer.dims.point)


def is_in_memory(layer: Layer, point: Sequence[float]) -> bool:
    """Return whether the volume of a layer at a viewer's point is in memory.

    Multiscale layers count as in memory, as napari reads only what the canvas can show.
    """
    is_lazy = not layer.multiscale and _is_lazy(layer, layer.data)
    return not is_lazy or _is_loaded(layer, point)


def _is_lazy(layer: Layer, data: Any) -> bool:
    """Return whether data are computed by dask, or are another array that reads from a file."""
    if hasattr(data, "compute"):
        return True
    # Labels may be painted into the array they are stored in, so theirs is never replaced.
    return isinstance(layer, Image) and not isinstance(data, np.ndarray) and hasattr(data, "dtype")


def _is_loaded(layer: Layer, point: Sequence[float]) -> bool:
    loaded = _LOADED_FRAMES.get(layer)
    return loaded is not None and loaded.frame == get_displayed_frame(layer, 3, point)


def make_loading_task(layer: Layer, viewer: Any) -> BackgroundTask:
    """Return a task that loads the displayed volume of a layer and puts it into the layer.

    Of more than three axes only the volume at the viewer's sliders is loaded, and of a multiscale
    layer only the level that is drawn in 3D. The task stops when the layer is deleted.
    """
    layer_data, drawn_data = layer.data, get_drawn_data(layer)
    frame = get_displayed_frame(layer, 3, viewer.dims.point)
    task = BackgroundTask(partial(_load_frame, drawn_data, frame, layer.name))
    layer_ref = weakref.ref(layer)

    def put_into_layer(volume: Any) -> None:
        found = layer_ref()
        if found is None or found.data is not layer_data:  # it was given other data meanwhile
            return
        source = _find_lazy_source(found, drawn_data)
        loaded = _replace_frame(source, frame, volume)
        found.data = [*list(layer_data)[:-1], loaded] if found.multiscale else loaded
        kept_source = source if frame else None
        _LOADED_FRAMES[found] = _LoadedFrame(frame, weakref.ref(loaded), kept_source)

    task.returned.connect(put_into_layer)
    cancel_when_removed(task, viewer, [layer])
    return task


def _find_lazy_source(layer: Layer, data: Any) -> Any:
    """Return a layer's data without the volume in memory, so that no two are kept at once."""
    loaded = _LOADED_FRAMES.get(layer)
    return data if loaded is None or loaded.data_ref() is not data else loaded.source


def _load_frame(data: Any, frame: tuple[int, ...], name: str, progress: Progress) -> Any:
    """Return one volume of lazy data as an array in memory.

    Raises
    ------
    CannotRender
        Where there is not enough free memory.
    """
    volume = to_numpy_or_dask(data)[frame]
    free = psutil.virtual_memory().available
    nbytes = int(np.prod(volume.shape)) * volume.dtype.itemsize
    if nbytes > _MAX_MEMORY_FRACTION * free:
        raise CannotRender(
            f"{name}: its volume needs {nbytes / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB "
            "are free. Crop or resample it first."
        )
    loaded = np.empty(volume.shape, volume.dtype)
    # One stored chunk at a time: reading a part of a chunk takes as long as reading all of it.
    edges = accumulate(volume.chunks[0], initial=0)
    for start, stop in progress(list(pairwise(edges)), f"Loading {name}"):
        loaded[start:stop] = np.asarray(volume[start:stop])
    return loaded


def _replace_frame(data: Any, frame: tuple[int, ...], volume: Any) -> Any:
    """Return lazy data in which one volume is in memory."""
    if not frame:
        return volume
    import dask.array as da

    data = to_numpy_or_dask(data)
    n, *rest = frame
    inner = da.asarray(_replace_frame(data[n], tuple(rest), volume))[None]  # type: ignore[no-untyped-call]
    parts = [data[:n], inner, data[n + 1 :]]
    return da.concatenate(parts, axis=0)  # type: ignore[no-untyped-call]
