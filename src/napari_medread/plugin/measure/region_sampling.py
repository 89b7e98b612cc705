"""Statistics of an image's values inside shapes and labels, read piece by piece."""

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
from napari_medread.core.axis_positions import format_axis_position
from napari_medread.core.progress import Progress
from napari_medread.core.region_statistics import (
    RegionStatistics,
    StatisticsAccumulator,
    find_pixels_in_ellipse,
    find_pixels_in_polygon,
)
from napari_medread.core.voxel_blocks import find_block_edges
from napari_medread.errors import CannotMeasure
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.bridge.layer_transforms import get_displayed_frame
from napari_medread.plugin.bridge.leading_positions import describe_frame
from napari_medread.plugin.bridge.slice_numbers import number_indices
from napari_medread.plugin.bridge.spatial_axes import get_layer_grid
from napari_medread.plugin.bridge.volume_to_layer import get_finest_data
from napari_medread.plugin.measure.layer_measurement import DrawnShape, MeasurementSpace

_MAX_GRID_OFFSET_VOXELS = 0.05
"""Two grids are the same where the centres of their voxels differ by less, in voxels."""

_MAX_SLICE_SPREAD_VOXELS = 0.01
"""A shape lies in one slice where its points differ by less across it, in voxels."""

_FILL_FUNCTIONS = {
    "polygon": find_pixels_in_polygon,
    "rectangle": find_pixels_in_polygon,
    "ellipse": find_pixels_in_ellipse,
}


class RegionValues(NamedTuple):
    """Statistics of the values of an image inside regions.

    Attributes
    ----------
    statistics : dict
        ``RegionStatistics`` by the number of the shape or label.
    remarks : tuple of str
        Sentences on regions without values.
    """

    statistics: dict[int, RegionStatistics]
    remarks: tuple[str, ...] = ()


class _SliceRegion(NamedTuple):
    """The pixels of a shape: the box of the volume it lies in, and which pixels of the box."""

    box: tuple[Any, ...]
    mask: NDArray[np.bool_]


def describe_displayed_frame(image: Image, space: MeasurementSpace, point: Sequence[float]) -> str:
    """Return which frame of an image a viewer shows; empty where it has only one."""
    frame = get_displayed_frame(image, space.ndim, point)
    if space.image is None:
        return ""
    return ", ".join(
        format_axis_position(each.label, each.number, each.total)
        + (f" ({each.value})" if each.value else "")
        for each in describe_frame(image, frame)
    )


def describe_displayed_slice(
    image: Image, drawn: Layer, space: MeasurementSpace, point: Sequence[float]
) -> str:
    """Return the slice in which shapes of two axes are measured; empty for other layers."""
    if not isinstance(drawn, Shapes) or drawn.ndim != space.ndim - 1:
        return ""
    axis = image.ndim - space.ndim
    n = round(float(np.asarray(image.world_to_data(point[-image.ndim :]))[axis]))
    numbers = number_indices(image, axis)
    if not 0 <= n < len(numbers):
        return ""
    return format_axis_position("slice", numbers[n], len(numbers))


def check_measurable(image: Image | None) -> Image:
    """Return the image if its values can be measured.

    Raises
    ------
    CannotMeasure
        Where there is no image, or where it has no numbers.
    """
    if image is None:
        raise CannotMeasure("Open the image to measure first.")
    if image.rgb:
        raise CannotMeasure(
            f"{image.name}: this is a colour image. Make it grey first: Layers > Data > Grayscale."
        )
    if np.dtype(image.dtype).kind not in "biuf":
        raise CannotMeasure(f"{image.name}: values of type {image.dtype} cannot be measured.")
    return image


def make_shape_sampler(
    image: Image, space: MeasurementSpace, shapes: Sequence[DrawnShape], point: Sequence[float]
) -> Callable[[Progress], RegionValues]:
    """Return a function for ``BackgroundTask`` that samples the image inside shapes.

    A shape is measured in the slice and frame in which it was drawn. A shape that has no axes
    for frames is measured in the displayed frame.

    Parameters
    ----------
    image : Image
    space : MeasurementSpace
        That of the image.
    shapes : sequence of DrawnShape
    point : sequence of float
        World coordinates of the viewer's sliders, which say the displayed frame.

    Raises
    ------
    CannotMeasure
        Where the image has no values to measure.
    """
    check_measurable(image)
    data = get_finest_data(image)
    leading_count = image.ndim - space.ndim
    displayed_frame = get_displayed_frame(image, space.ndim, point)
    shapes_and_frames: list[tuple[DrawnShape, tuple[int, ...] | None]] = []
    for shape in shapes:
        if shape.kind not in _FILL_FUNCTIONS:
            continue
        frame: tuple[int, ...] | None = displayed_frame
        if leading_count and len(shape.leading_point) >= leading_count:
            world = np.concatenate([shape.leading_point[-leading_count:], np.zeros(space.ndim)])
            index = np.rint(np.asarray(image.world_to_data(world))[:leading_count]).astype(int)
            is_inside = bool(((index >= 0) & (index < data.shape[:leading_count])).all())
            frame = tuple(index.tolist()) if shape.is_in_one_frame and is_inside else None
        shapes_and_frames.append((shape, frame))
    return partial(_sample_shapes, data, image.name, space, shapes_and_frames)


def make_label_sampler(
    image: Image, space: MeasurementSpace, labels: Labels, point: Sequence[float]
) -> Callable[[Progress], RegionValues]:
    """Return a function for ``BackgroundTask`` that samples the image inside labels.

    Only the displayed frame is measured.

    Parameters
    ----------
    image : Image
    space : MeasurementSpace
        That of the image.
    labels : Labels
    point : sequence of float
        World coordinates of the viewer's sliders, which say the displayed frame.

    Raises
    ------
    CannotMeasure
        Where the image has no values to measure, or where the labels lie on another grid: which
        voxel has which label would be a guess.
    """
    check_measurable(image)
    n = space.ndim
    grid = get_layer_grid(labels)
    if grid.ndim != n:
        raise CannotMeasure(
            f"{labels.name}: these labels have {grid.ndim} spatial axes, but {image.name} has {n}."
        )
    signs, offsets = _align_labels(image, space, labels)
    return partial(
        _sample_labels,
        get_finest_data(image),
        get_displayed_frame(image, n, point),
        get_finest_data(labels),
        get_displayed_frame(labels, n, point),
        signs,
        offsets,
    )


def _find_region(
    shape: DrawnShape, points: Float, grid_shape: tuple[int, ...]
) -> _SliceRegion | None:
    """Return the pixels inside a shape; None where it does not lie in one slice of the grid.

    ``points`` are those of the shape as voxel indices.
    """
    box: list[Any] = [slice(None)] * len(grid_shape)
    axes = list(range(len(grid_shape)))
    if len(grid_shape) == 3:
        spread = np.ptp(points, axis=0)
        axis = int(np.argmin(spread))
        slice_index = int(np.rint(points[:, axis].mean()))
        if spread[axis] > _MAX_SLICE_SPREAD_VOXELS or not 0 <= slice_index < grid_shape[axis]:
            return None
        box[axis] = slice_index
        axes.remove(axis)
    flat = points[:, axes]
    # Only the box around the shape is read.
    lengths = [grid_shape[a] for a in axes]
    low = np.clip(np.floor(flat.min(axis=0)), 0, lengths).astype(int)
    high = np.clip(np.ceil(flat.max(axis=0)) + 1, low, lengths).astype(int)
    for axis, start, stop in zip(axes, low.tolist(), high.tolist(), strict=True):
        box[axis] = slice(start, stop)
    mask = _FILL_FUNCTIONS[shape.kind](flat - low, (int(high[0] - low[0]), int(high[1] - low[1])))
    return _SliceRegion(tuple(box), mask)


def _sample_shapes(
    data: Any,
    name: str,
    space: MeasurementSpace,
    shapes_and_frames: Sequence[tuple[DrawnShape, tuple[int, ...] | None]],
    progress: Progress,
) -> RegionValues:
    """Return the statistics by the number of the shape."""
    accumulator, remarks = StatisticsAccumulator(), []
    # A shape around no pixel centre keeps these, with no voxels.
    empty: dict[int, RegionStatistics] = {}
    for shape, frame in progress(shapes_and_frames, "Measuring"):
        region = None
        if frame is not None:
            region = _find_region(
                shape, apply_affine(space.to_index, shape.points), data.shape[len(frame) :]
            )
        if region is None or frame is None:
            remarks.append(f"No. {shape.number} does not lie in one slice of {name}.")
            continue
        empty[shape.number] = RegionStatistics()
        if region.mask.any():
            accumulator.add(np.asarray(data[(*frame, *region.box)]), region.mask * shape.number)
    return RegionValues(empty | dict(accumulator), tuple(remarks))


def _align_labels(
    image: Image, space: MeasurementSpace, labels: Labels
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return signs and offsets by axis: voxel i of the image has the label at sign * i + offset.

    Raises
    ------
    CannotMeasure
        Where the labels lie on another grid.
    """
    n = space.ndim
    labels_volume = volume_from_layer(labels) if "patient_affine" in labels.metadata else None
    image_grid = invert_affine(space.to_index)
    labels_grid = get_layer_grid(labels).index_to_world
    if (
        labels_volume is not None
        and space.image is not None
        and labels_volume.has_patient_position
        and space.image.has_patient_position
        and labels_volume.volume.geometry is not None
        and space.image.volume.geometry is not None
    ):
        # Both are drawn straight on their own grids: only patient space says how they lie.
        labels_grid = labels_volume.volume.geometry.affine
        image_grid = space.image.volume.geometry.affine
    image_to_labels = relative_affine(labels_grid, image_grid)
    rounded: Float = np.rint(image_to_labels)
    corners = (
        np.array(np.meshgrid(*[(0, m - 1) for m in get_finest_data(image).shape[-n:]]))
        .reshape(n, -1)
        .T
    )
    offset = np.abs(apply_affine(image_to_labels, corners) - apply_affine(rounded, corners)).max()
    signs = np.diag(rounded)[:n]
    if offset > _MAX_GRID_OFFSET_VOXELS or not np.array_equal(np.abs(rounded[:n, :n]), np.eye(n)):
        raise CannotMeasure(
            f"{labels.name}: these labels are not on the grid of {image.name}. Resample them to "
            "its grid first: Layers > Transform > Resample, to another layer's grid."
        )
    return signs.astype(int), rounded[:n, n].astype(int)


def _sample_labels(
    data: Any,
    frame: tuple[int, ...],
    labels: Any,
    labels_frame: tuple[int, ...],
    signs: NDArray[np.int_],
    offsets: NDArray[np.int_],
    progress: Progress,
) -> RegionValues:
    """Return the statistics by label, reading the image slab by slab."""
    accumulator = StatisticsAccumulator()
    leading_count = len(frame)
    shape = data.shape[leading_count:]
    edges = find_block_edges(data, leading_count, math.prod(shape[1:]))
    for start, stop in progress(list(pairwise(edges)), "Measuring"):
        box = [(start, stop), *((0, length) for length in shape[1:])]
        regions = _read_label_box(labels, labels_frame, box, signs, offsets)
        if regions.any():  # otherwise this slab of the image is not read
            accumulator.add(np.asarray(data[(*frame, slice(start, stop))]), regions)
    return RegionValues(dict(accumulator))


def _read_label_box(
    labels: Any,
    frame: tuple[int, ...],
    box: Sequence[tuple[int, int]],
    signs: NDArray[np.int_],
    offsets: NDArray[np.int_],
) -> NDArray[Any]:
    """Return the labels at a box of the image's voxels, 0 outside the labels' grid."""
    out = np.zeros([stop - start for start, stop in box], labels.dtype)
    in_labels, in_box = [], []
    shape = labels.shape[len(frame) :]
    for (start, stop), sign, offset, length in zip(box, signs, offsets, shape, strict=True):
        # The voxels of the box that lie on the labels' grid.
        first, last = sorted((sign * (0 - offset), sign * (length - 1 - offset)))
        first, last = max(start, int(first)), min(stop - 1, int(last))
        if last < first:
            return out
        in_box.append(slice(first - start, last + 1 - start))
        a, b = sorted((int(sign * first + offset), int(sign * last + offset)))
        in_labels.append(slice(a, b + 1))
    values = np.asarray(labels[(*frame, *in_labels)])
    out[tuple(in_box)] = values[tuple(slice(None, None, int(sign)) for sign in signs)]
    return out
