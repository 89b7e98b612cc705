"""Building volumes from stacks: pixels with geometry, name, display windows, unit and sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from napari_medread.core.contrast_limits import limits_from_window, make_valid_windows
from napari_medread.core.geometry import Geometry
from napari_medread.core.opening_window import OpeningWindow, choose_opening_window
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.series_names import number_equal_names
from napari_medread.core.slice_sources import SliceSources
from napari_medread.core.volume import Volume, Window, to_world_order
from napari_medread.core.window_presets import DISPLAYED_WINDOW
from napari_medread.dicom.convolution_kernels import choose_ct_window
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.planar_pixel_size import find_pixel_aspect, find_pixel_size
from napari_medread.dicom.frames.volume_names import make_volume_name
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.series_references import make_series_reference
from napari_medread.dicom.pixels.frame_decoding import is_rgb
from napari_medread.dicom.pixels.modality_values import (
    LABELS_IMAGE_TYPE,
    UNIT_LABELS,
    ModalityTransform,
)
from napari_medread.dicom.pixels.stack_assembly import StackPixels, read_stack
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.errors import NotAVolume, UnreadableFile

_COMPARED_FRAMES = 512
"""At most about so many frames are asked whether they have the same window."""

_MOST_FRAMES = 0.9
"""The share of the frames that must have one window for it to be that of the volume."""

_SIGMOID_AS_RAMP = "The window is a sigmoid: shown as a straight ramp of the same width."


def build_volume(
    stack: Stack,
    progress: Progress = no_progress,
    *,
    lazy: bool | None = None,
    lazy_above: int | None = None,
) -> Volume:
    """Read the pixels of one stack and make it a volume.

    Parameters
    ----------
    stack : Stack
        Sorted frames.
    progress : Progress
        Reports progress, and may cancel.
    lazy : bool or None
        Whether slices are read on demand; None: only if they would take much of the free memory.
    lazy_above : int or None
        Number of bytes above which slices are read on demand if ``lazy`` is None; see
        ``read_stack``.

    Raises
    ------
    UnreadableFile
        If no image of the stack can be decoded, or its images do not make a volume. The message
        starts with the name of its first file.
    """
    try:
        return _build_volume(stack, progress, lazy=lazy, lazy_above=lazy_above)
    except NotAVolume as error:
        raise UnreadableFile(f"{stack.all_frames[0].header.path.name}: {error}") from error


def _build_volume(
    stack: Stack, progress: Progress, *, lazy: bool | None, lazy_above: int | None
) -> Volume:
    frames = stack.all_frames
    middle = stack.middle_frame
    pixels = read_stack(stack, progress, lazy=lazy, lazy_above=lazy_above)
    rgb = is_rgb(middle)
    labels = not rgb and _has_label_numbers(middle.dataset)
    notes = [*stack.notes, *pixels.notes]
    data, geometry, pixel_size = _find_geometry(stack, middle, pixels.data, notes, rgb=rgb)
    value_unit = _find_value_unit(middle.dataset)
    windows: tuple[Window, ...] = ()
    opening = None
    if not (rgb or labels):
        windows, opening = _find_windows(frames, middle, pixels, value_unit)
        notes += opening.notes
    source = tuple(dict.fromkeys(frame.header.path for frame in frames))
    name = make_volume_name(middle, stack.label, len(source))
    return Volume(
        data,
        name,
        geometry,
        stack.leading,
        pixel_size=pixel_size,
        rgb=rgb,
        labels=labels,
        contrast_limits=None if opening is None else opening.limits,
        inverted=middle.header.photometric_interpretation == "MONOCHROME1",
        source=source,
        notes=tuple(notes),
        modality=attributes.get_text(middle.dataset, "Modality"),
        value_unit=value_unit,
        windows=windows,
        proposed_windows=() if opening is None else opening.proposed,
        slice_sources=_find_slice_sources(
            stack, source, None if stack.affine is None else geometry
        ),
        series=make_series_reference(middle.dataset, name),
    )


def _find_geometry(
    stack: Stack, frame: Frame, data: Any, notes: list[str], *, rgb: bool
) -> tuple[Any, Geometry | None, tuple[float, float]]:
    """Return a stack's pixels in world order, their geometry, and the pixel size without one.

    Parameters
    ----------
    stack : Stack
        The stack.
    frame : Frame
        The frame whose header gives the pixel size of a stack without a patient position.
    data : array
        Its pixels: leading axes, slice, row, column, and colour if ``rgb``.
    notes : list of str
        Doubts about the pixel size are appended.
    rgb : bool
        Whether the last axis is colour.

    Returns
    -------
    data : array
        The pixels. Those without a patient position have lost their slice axis of length 1.
    geometry : Geometry or None
        In patient space; without a position two-dimensional, in mm; None without a pixel size.
    pixel_size : (row, column)
        How high and how wide pixels are drawn where there is no geometry.
    """
    lead = len(stack.leading)
    if stack.affine is not None:
        geometry = Geometry(data.shape[lead : lead + 3], stack.affine)
        data, geometry = to_world_order(data, geometry, lead, rgb=rgb)
        return data, geometry, (1.0, 1.0)
    data = data[(slice(None),) * lead + (0,)]
    spacing, doubts = find_pixel_size(frame)
    notes += doubts
    if spacing is None:
        pixel_size, doubts = find_pixel_aspect(frame)
        notes += doubts
        return data, None, pixel_size
    affine = np.diag([*spacing, 1.0])[[1, 0, 2]]  # x grows with the column, y with the row
    return data, Geometry((frame.rows, frame.columns), affine), (1.0, 1.0)


def _find_slice_sources(
    stack: Stack, source: Sequence[Path], grid: Geometry | None
) -> SliceSources:
    """Return which frame of which file each slice is, and where in the grid it lies."""
    file_index = {path: n for n, path in enumerate(source)}
    present = [n for n, frame in enumerate(stack.frames[0]) if frame is not None]
    frames = [planes[n] for planes in stack.frames for n in present]
    shape = (*stack.leading_shape, len(present))
    return SliceSources(
        np.reshape([file_index[frame.header.path] for frame in frames if frame], shape),
        np.reshape([frame.index for frame in frames if frame], shape),
        np.asarray(stack.grid.interpolated_from if stack.grid else present, dtype=float),
        grid,
    )


def _find_windows(
    frames: Sequence[Frame], middle: Frame, pixels: StackPixels, value_unit: str
) -> tuple[tuple[Window, ...], OpeningWindow]:
    """Return the windows of a frame, and the window that the volume opens with.

    Parameters
    ----------
    frames : sequence of Frame
        All frames of the stack.
    middle : Frame
        The frame whose windows are those of the volume: they are made for the anatomy in the
        middle of a stack rather than at its ends.
    pixels : StackPixels
        The voxels.
    value_unit : str
        Their unit.
    """
    dataset = middle.dataset
    scale = ModalityTransform.from_frame(middle).window_scale
    windows = make_valid_windows(
        [center * scale for center in attributes.get_numbers(dataset, "WindowCenter") or ()],
        [width * scale for width in attributes.get_numbers(dataset, "WindowWidth") or ()],
        attributes.get_texts(dataset, "WindowCenterWidthExplanation"),
    )
    limits = None
    function = attributes.get_text(dataset, "VOILUTFunction").upper() or "LINEAR"
    if windows:
        center, width, _ = windows[0]
        limits = limits_from_window(center, width, function)
    opening = choose_opening_window(
        pixels.sample,
        is_integer=np.dtype(pixels.data.dtype).kind in "iu",
        modality=attributes.get_text(dataset, "Modality"),
        unit=value_unit,
        file_limits=limits,
        is_stated_once=_is_window_of_most(frames, middle),
        is_deliberate=bool(windows) and windows[0][2] == DISPLAYED_WINDOW,
        ct_window=choose_ct_window(dataset),
    )
    if function == "SIGMOID" and opening.limits == limits:
        opening = opening._replace(notes=(*opening.notes, _SIGMOID_AS_RAMP))
    return windows, opening


def _is_window_of_most(frames: Sequence[Frame], middle: Frame) -> bool:
    """Return whether nearly all frames have the first window of one of them.

    Many scanners give every slice a window of its own. Some leave it out of a few.
    """
    every = max(1, len(frames) // _COMPARED_FRAMES)
    stated = [_read_first_window(frame.dataset) for frame in frames[::every]]
    return stated.count(_read_first_window(middle.dataset)) >= _MOST_FRAMES * len(stated)


def _read_first_window(dataset: Dataset) -> tuple[float | None, float | None]:
    return (
        attributes.get_number(dataset, "WindowCenter"),
        attributes.get_number(dataset, "WindowWidth"),
    )


def _has_label_numbers(dataset: Dataset) -> bool:
    """Return whether values are label numbers: of a segmentation, or of labels written here.

    A segment is 0 and 1 (PS3.3 C.8.20.2); those of SegmentationType FRACTIONAL are grey.
    Segmentations pass here only for their preview in a list: ``objects.segmentation`` reads them.
    """
    return LABELS_IMAGE_TYPE in attributes.get_texts(dataset, "ImageType") or attributes.get_text(
        dataset, "SegmentationType"
    ) in ("BINARY", "LABELMAP")


def _find_value_unit(dataset: Dataset) -> str:
    """Return the unit of modality values by RescaleType, Units or DoseUnits; HU of plain CT."""
    keywords = ("RescaleType", "Units", "DoseUnits")
    kind = next((t for k in keywords if (t := attributes.get_text(dataset, k).upper())), "")
    if not kind and attributes.get_text(dataset, "Modality") == "CT":
        # PS3.3 C.11.1.1.2: HU unless the image is a localizer.
        kind = "" if "LOCALIZER" in attributes.get_text(dataset, "ImageType").upper() else "HU"
    return UNIT_LABELS.get(kind, "")


def series_number_from_name(name: str) -> float:
    """Return the series number at the start of a volume's name; infinity if there is none."""
    match = re.match(r"\d+", name)
    return float(match.group()) if match else float("inf")


def make_names_unique(volumes: Sequence[Volume]) -> None:
    """Append a number in brackets to the names of volumes that share one, counted from 1."""
    names = number_equal_names([volume.name for volume in volumes])
    for volume, name in zip(volumes, names, strict=True):
        volume.name = name
