"""Reads what a lazy layer needs for 3D, beside the window."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import psutil
from napari.layers import Image, Layer

from napari_medread.core.progress import Progress
from napari_medread.errors import CannotRender
from napari_medread.plugin.bridge.layer_transforms import frame_of
from napari_medread.plugin.bridge.volume_to_layer import array_of
from napari_medread.plugin.gui.background_work import Work, cancel_without
from napari_medread.plugin.rendering.clipping_box import rendered

_SHARE_OF_MEMORY = 0.8
"""Of what is free, that a volume may fill."""


_LOADED: weakref.WeakKeyDictionary[Layer, tuple[int, ...]] = weakref.WeakKeyDictionary()
"""Which volume of a layer of more than three axes is in memory."""


def must_read(layer: Layer, viewer: Any) -> bool:
    """Tell whether the volume to be shown still has to be read or computed."""
    is_lazy = _is_lazy(layer, rendered(layer))
    return is_lazy and viewer.dims.ndisplay != 3 and not _is_loaded(layer, viewer.dims.point)


def is_read(layer: Layer, point: Sequence[float]) -> bool:
    """Tell whether the volume of a layer at a viewer's point is in memory.

    Of several resolutions napari reads what the canvas can show, and no more.
    """
    is_lazy = not layer.multiscale and _is_lazy(layer, layer.data)
    return not is_lazy or _is_loaded(layer, point)


def _is_lazy(layer: Layer, data: Any) -> bool:
    """Tell whether data are computed by dask, or are another kind of array that reads a file."""
    if hasattr(data, "compute"):
        return True
    # Labels may be painted on where they are stored, and are left there.
    return isinstance(layer, Image) and not isinstance(data, np.ndarray) and hasattr(data, "dtype")


def _is_loaded(layer: Layer, point: Sequence[float]) -> bool:
    return _LOADED.get(layer) == frame_of(layer, 3, point)


def nbytes_of(layer: Layer) -> int:
    """Return how many bytes the volume takes that is shown in 3D."""
    data = rendered(layer)
    return int(np.prod(data.shape[-3:]) * data.dtype.itemsize)


def load(layer: Layer, viewer: Any) -> Work:
    """Return work that reads the volume shown and puts it into its layer.

    Of more than three axes only the volume at the viewer's sliders is read, and of several
    resolutions only the one that is drawn in 3D. It stops when the layer is gone.
    """
    all_data, data = layer.data, rendered(layer)
    at = frame_of(layer, 3, viewer.dims.point)
    work = Work(partial(_read, data, at, layer.name))
    layer_of = weakref.ref(layer)

    def put(loaded: Any) -> None:
        found = layer_of()
        if found is None or found.data is not all_data:  # but another since
            return
        whole = _with(data, at, loaded)
        found.data = [*list(all_data)[:-1], whole] if found.multiscale else whole
        _LOADED[found] = at

    work.returned.connect(put)
    cancel_without(work, viewer, [layer])
    return work


def _read(data: Any, at: tuple[int, ...], name: str, progress: Progress) -> Any:
    volume = array_of(data)[at]
    free = psutil.virtual_memory().available
    nbytes = int(np.prod(volume.shape)) * volume.dtype.itemsize
    if nbytes > _SHARE_OF_MEMORY * free:
        raise CannotRender(
            f"{name}: its volume takes {nbytes / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB "
            "are free. Crop or resample it first."
        )
    loaded = np.empty(volume.shape, volume.dtype)
    # Piece by piece as they are stored: a part of a piece takes as long as all of it.
    edges = accumulate(volume.chunks[0], initial=0)
    for start, stop in progress(list(pairwise(edges)), f"Reading {name}"):
        loaded[start:stop] = np.asarray(volume[start:stop])
    return loaded


def _with(data: Any, at: tuple[int, ...], loaded: Any) -> Any:
    """Return lazy data of which one volume is in memory."""
    if not at:
        return loaded
    import dask.array as da

    data = array_of(data)
    n, *rest = at
    inner = da.asarray(_with(data[n], tuple(rest), loaded))[None]  # type: ignore[no-untyped-call]
    parts = [data[:n], inner, data[n + 1 :]]
    return da.concatenate(parts, axis=0)  # type: ignore[no-untyped-call]
