"""The values of an image inside labels and shapes: what is read, and piece by piece."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image, Labels, Layer, Shapes
from numpy.typing import NDArray

from napari_medread.core.affines import Float, apply_affine, invert_affine, relative_affine
from napari_medread.core.progress import Progress
from napari_medread.core.region_statistics import (
    RegionStatistics,
    StatisticsAccumulator,
    find_pixels_in_ellipse,
    find_pixels_in_polygon,
)
from napari_medread.core.volume import Axis
from napari_medread.core.voxel_blocks import find_block_edges
from napari_medread.errors import CannotMeasure
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.bridge.layer_transforms import get_displayed_frame
from napari_medread.plugin.bridge.spatial_axes import get_layer_grid
from napari_medread.plugin.bridge.volume_to_layer import get_finest_data
from napari_medread.plugin.measure.layer_measurement import DrawnShape, MeasurementSpace

_MAX_GRID_OFFSET_VOXELS = 0.05
"""Voxels of two grids whose centres lie apart by less than this share are the same."""

_MAX_SLICE_SPREAD_VOXELS = 0.01
"""Shapes whose points differ by less, in voxels, lie in one slice."""

_FILL_FUNCTIONS = {
    "polygon": find_pixels_in_polygon,
    "rectangle": find_pixels_in_polygon,
    "ellipse": find_pixels_in_ellipse,
}


class RegionValues(NamedTuple):
    """The values of an image inside regions.

    Attributes
    ----------
    statistics : dict
        By the number of the shape or label.
    remarks : tuple of str
        Why something has no values.
    """

    statistics: dict[int, RegionStatistics]
    remarks: tuple[str, ...] = ()


class _SliceRegion(NamedTuple):
    """A shape as the pixels of a slice: where its part of the image lies, and which of them."""

    place: tuple[Any, ...]
    mask: NDArray[np.bool_]


def describe_displayed_frame(image: Image, ruler: MeasurementSpace, point: Sequence[float]) -> str:
    """Say which of its frames a viewer shows of an image, empty where it has one."""
    frame = get_displayed_frame(image, ruler.ndim, point)
    if ruler.image is None:
        return ""
    volume = ruler.image.volume
    axes = zip(volume.leading, frame, volume.shape, strict=False)
    return ", ".join(
        f"{axis.label}{_format_axis_value(axis, n)} {n + 1} of {total}" for axis, n, total in axes
    )


def describe_displayed_slice(
    image: Image, drawn: Layer, ruler: MeasurementSpace, point: Sequence[float]
) -> str:
    """Say in which slice shapes are measured that have none of their own; else nothing."""
    if not isinstance(drawn, Shapes) or drawn.ndim != ruler.ndim - 1:
        return ""
    axis = image.ndim - ruler.ndim
    n = round(float(np.asarray(image.world_to_data(point[-image.ndim :]))[axis]))
    return f"slice {n + 1} of {get_finest_data(image).shape[axis]}"


def _format_axis_value(axis: Axis, n: int) -> str:
    """Return the value at an index of an axis where the file gives one: `` 1000 s/mm²,``."""
    if not axis.values:
        return ""
    unit = "" if axis.unit in ("", "pixel") else f" {axis.unit}"
    value = axis.values[n]
    return f" {value:g}{unit}," if isinstance(value, int | float) else f" {value}{unit},"


def check_measurable(image: Image | None) -> Image:
    """Return an image that has values to measure.

    Raises
    ------
    CannotMeasure
        Where it has none.
    """
    if image is None:
        raise CannotMeasure("Open an image whose values are wanted first.")
    if image.rgb:
        raise CannotMeasure(
            f"{image.name}: this is a colour image. Make it grey first, by Layers > Data > "
            "Grayscale."
        )
    if np.dtype(image.dtype).kind not in "biuf":
        raise CannotMeasure(f"{image.name}: values of the type {image.dtype} have no statistics.")
    return image


def make_shape_sampler(
    image: Image, ruler: MeasurementSpace, marks: Sequence[DrawnShape], point: Sequence[float]
) -> Callable[[Progress], RegionValues]:
    """Return the statistics of shapes, as a function for ``Work``.

    A shape is measured on the slice, and on the frame, in which it was drawn; one without a
    frame on the frame shown.
    """
    check_measurable(image)
    shape = get_finest_data(image).shape
    lead = image.ndim - ruler.ndim
    shown = get_displayed_frame(image, ruler.ndim, point)
    framed: list[tuple[DrawnShape, tuple[int, ...] | None]] = []
    for mark in marks:
        if mark.kind not in _FILL_FUNCTIONS:
            continue
        frame: tuple[int, ...] | None = shown
        if lead and len(mark.lead) >= lead:
            world = np.concatenate([mark.lead[-lead:], np.zeros(ruler.ndim)])
            index = np.rint(np.asarray(image.world_to_data(world))[:lead]).astype(int)
            is_there = bool(((index >= 0) & (index < shape[:lead])).all())
            frame = tuple(index.tolist()) if mark.is_in_frame and is_there else None
        framed.append((mark, frame))
    return partial(_sample_shapes, get_finest_data(image), image.name, ruler, framed)


def make_label_sampler(
    image: Image, ruler: MeasurementSpace, labels: Labels, point: Sequence[float]
) -> Callable[[Progress], RegionValues]:
    """Return the statistics of labels, as a function for ``Work``.

    Raises
    ------
    CannotMeasure
        Where the labels lie on another grid, so that voxels would have to be guessed.
    """
    check_measurable(image)
    n = ruler.ndim
    grid = get_layer_grid(labels)
    if grid.ndim != n:
        raise CannotMeasure(
            f"{labels.name}: these labels have {grid.ndim} axes of space, {image.name} has {n}."
        )
    signs, offsets = _align_labels(image, ruler, labels)
    return partial(
        _sample_labels,
        get_finest_data(image),
        get_displayed_frame(image, n, point),
        get_finest_data(labels),
        get_displayed_frame(labels, n, point),
        signs,
        offsets,
    )


def _find_region(mark: DrawnShape, points: Float, shape: tuple[int, ...]) -> _SliceRegion | None:
    """Return the pixels of a slice that a shape holds, None if it lies in none."""
    index: list[Any] = [slice(None)] * len(shape)
    axes = list(range(len(shape)))
    if len(shape) == 3:
        spread = np.ptp(points, axis=0)
        axis = int(np.argmin(spread))
        at = int(np.rint(points[:, axis].mean()))
        if spread[axis] > _MAX_SLICE_SPREAD_VOXELS or not 0 <= at < shape[axis]:
            return None
        index[axis] = at
        axes.remove(axis)
    flat = points[:, axes]
    # Only the part of the slice that it can reach is read.
    low = np.clip(np.floor(flat.min(axis=0)), 0, [shape[a] for a in axes]).astype(int)
    high = np.clip(np.ceil(flat.max(axis=0)) + 1, low, [shape[a] for a in axes]).astype(int)
    for axis, start, stop in zip(axes, low.tolist(), high.tolist(), strict=True):
        index[axis] = slice(start, stop)
    mask = _FILL_FUNCTIONS[mark.kind](flat - low, (int(high[0] - low[0]), int(high[1] - low[1])))
    return _SliceRegion(tuple(index), mask)


def _sample_shapes(
    data: Any,
    name: str,
    ruler: MeasurementSpace,
    framed: Sequence[tuple[DrawnShape, tuple[int, ...] | None]],
    progress: Progress,
) -> RegionValues:
    """Return the statistics by number of the shape."""
    tally, remarks = StatisticsAccumulator(), []
    # A shape that holds the centre of no pixel has none.
    empty: dict[int, RegionStatistics] = {}
    for mark, frame in progress(framed, "Measuring"):
        found = None
        if frame is not None:
            found = _find_region(
                mark, apply_affine(ruler.to_index, mark.points), data.shape[len(frame) :]
            )
        if found is None or frame is None:
            remarks.append(f"No. {mark.number} lies in no slice of {name}.")
            continue
        empty[mark.number] = RegionStatistics()
        if found.mask.any():
            tally.add(np.asarray(data[(*frame, *found.place)]), found.mask * mark.number)
    return RegionValues(empty | dict(tally), tuple(remarks))


def _align_labels(
    image: Image, ruler: MeasurementSpace, labels: Labels
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return ``sign`` and ``offset``: the voxel i of an image has the label sign * i + offset."""
    n = ruler.ndim
    shown = volume_from_layer(labels) if "patient_affine" in labels.metadata else None
    image_grid = invert_affine(ruler.to_index)
    labels_grid = get_layer_grid(labels).drawn
    if (
        shown is not None
        and ruler.image is not None
        and shown.in_patient
        and ruler.image.in_patient
        and shown.volume.geometry is not None
        and ruler.image.volume.geometry is not None
    ):
        # Volumes of other orientations are drawn over one another, and are not there.
        labels_grid = shown.volume.geometry.affine
        image_grid = ruler.image.volume.geometry.affine
    steps = relative_affine(labels_grid, image_grid)
    whole: Float = np.rint(steps)
    corners = (
        np.array(np.meshgrid(*[(0, m - 1) for m in get_finest_data(image).shape[-n:]]))
        .reshape(n, -1)
        .T
    )
    off = np.abs(apply_affine(steps, corners) - apply_affine(whole, corners)).max()
    signs = np.diag(whole)[:n]
    if off > _MAX_GRID_OFFSET_VOXELS or not np.array_equal(np.abs(whole[:n, :n]), np.eye(n)):
        raise CannotMeasure(
            f"{labels.name}: these labels lie on another grid than {image.name}. Lay them on its "
            "grid first, by Layers > Transform > Resample, to another layer's grid."
        )
    return signs.astype(int), whole[:n, n].astype(int)


def _sample_labels(
    data: Any,
    frame: tuple[int, ...],
    labels: Any,
    frame_of_labels: tuple[int, ...],
    signs: NDArray[np.int_],
    offsets: NDArray[np.int_],
    progress: Progress,
) -> RegionValues:
    """Return the statistics by label, read slab by slab."""
    tally = StatisticsAccumulator()
    lead = len(frame)
    shape = data.shape[lead:]
    cuts = find_block_edges(data, lead, math.prod(shape[1:]))
    for start, stop in progress(list(pairwise(cuts)), "Measuring"):
        box = [(start, stop), *((0, length) for length in shape[1:])]
        regions = _read_label_box(labels, frame_of_labels, box, signs, offsets)
        if regions.any():  # else the image need not be read
            tally.add(np.asarray(data[(*frame, slice(start, stop))]), regions)
    return RegionValues(dict(tally))


def _read_label_box(
    labels: Any,
    frame: tuple[int, ...],
    box: Sequence[tuple[int, int]],
    signs: NDArray[np.int_],
    offsets: NDArray[np.int_],
) -> NDArray[Any]:
    """Return the labels of a box of the image's voxels, 0 where there are none."""
    out = np.zeros([stop - start for start, stop in box], labels.dtype)
    own, here = [], []
    shape = labels.shape[len(frame) :]
    for (start, stop), sign, offset, length in zip(box, signs, offsets, shape, strict=True):
        # Those voxels of the box that lie on the labels' grid.
        first, last = sorted((sign * (0 - offset), sign * (length - 1 - offset)))
        first, last = max(start, int(first)), min(stop - 1, int(last))
        if last < first:
            return out
        here.append(slice(first - start, last + 1 - start))
        a, b = sorted((int(sign * first + offset), int(sign * last + offset)))
        own.append(slice(a, b + 1))
    found = np.asarray(labels[(*frame, *own)])
    out[tuple(here)] = found[tuple(slice(None, None, int(sign)) for sign in signs)]
    return out
