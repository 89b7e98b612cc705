"""Building volumes from stacks: pixels with geometry, name, display windows, unit and sources."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from napari_medread.core import contrast_limits
from napari_medread.core.geometry import Geometry
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.slice_sources import SliceSources
from napari_medread.core.volume import Volume, Window, to_world_order
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.planar_pixel_size import find_pixel_aspect, find_pixel_size
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.pixels.frame_decoding import is_rgb
from napari_medread.dicom.pixels.modality_values import (
    LABELS_IMAGE_TYPE,
    UNIT_LABELS,
    ModalityTransform,
)
from napari_medread.dicom.pixels.stack_assembly import read_stack
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.errors import NotAVolume, UnreadableFile


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
    # Windows are made for the anatomy in the middle of a stack rather than at its ends.
    middle = frames[len(frames) // 2]
    pixels = read_stack(stack, progress, lazy=lazy, lazy_above=lazy_above)
    rgb = is_rgb(middle)
    labels = not rgb and LABELS_IMAGE_TYPE in attributes.get_texts(middle.dataset, "ImageType")
    notes = [*stack.notes, *pixels.notes]
    data, geometry, pixel_size = _find_geometry(stack, middle, pixels.data, notes, rgb=rgb)
    windows, limits = ((), None) if rgb or labels else _find_windows(middle, pixels.sample, notes)
    source = tuple(dict.fromkeys(frame.header.path for frame in frames))
    return Volume(
        data,
        make_volume_name(middle, stack.label, len(source)),
        geometry,
        stack.leading,
        pixel_size=pixel_size,
        rgb=rgb,
        labels=labels,
        contrast_limits=limits,
        inverted=middle.header.photometric_interpretation == "MONOCHROME1",
        source=source,
        notes=tuple(notes),
        modality=attributes.get_text(middle.dataset, "Modality"),
        value_unit=_find_value_unit(middle.dataset),
        windows=windows,
        slice_sources=_find_slice_sources(
            stack, source, None if stack.affine is None else geometry
        ),
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
    frame: Frame, sample: Callable[[], NDArray[Any]], notes: list[str]
) -> tuple[tuple[Window, ...], tuple[float, float] | None]:
    """Return a frame's windows, and contrast limits: of the first window, else of the values.

    Parameters
    ----------
    frame : Frame
        The frame whose header gives the windows.
    sample : callable
        Returns a sample of the volume's values without padding; called if there is no window.
    notes : list of str
        A note on a window that is shown approximately is appended.
    """
    dataset = frame.dataset
    scale = ModalityTransform.from_frame(frame).window_scale
    windows = contrast_limits.make_valid_windows(
        [center * scale for center in attributes.get_numbers(dataset, "WindowCenter") or ()],
        [width * scale for width in attributes.get_numbers(dataset, "WindowWidth") or ()],
        attributes.get_texts(dataset, "WindowCenterWidthExplanation"),
    )
    if not windows:
        return (), contrast_limits.find_percentile_limits(sample())
    function = attributes.get_text(dataset, "VOILUTFunction").upper() or "LINEAR"
    if function == "SIGMOID":
        notes.append("The window is a sigmoid: shown as a straight ramp of the same width.")
    center, width, _ = windows[0]
    return windows, contrast_limits.limits_from_window(center, width, function)


def _find_value_unit(dataset: Dataset) -> str:
    """Return the unit of modality values by RescaleType, Units or DoseUnits; HU of plain CT."""
    keywords = ("RescaleType", "Units", "DoseUnits")
    kind = next((t for k in keywords if (t := attributes.get_text(dataset, k).upper())), "")
    if not kind and attributes.get_text(dataset, "Modality") == "CT":
        # PS3.3 C.11.1.1.2: HU unless the image is a localizer.
        kind = "" if "LOCALIZER" in attributes.get_text(dataset, "ImageType").upper() else "HU"
    return UNIT_LABELS.get(kind, "")


def make_volume_name(frame: Frame, label: str, file_count: int) -> str:
    """Return a name from series number and description, else from the file's or folder's name.

    Text that contains the patient's name or ID is not used.
    """
    dataset = frame.dataset
    number = attributes.get_text(dataset, "SeriesNumber")
    description = attributes.get_text(dataset, "SeriesDescription") or attributes.get_text(
        dataset, "ProtocolName"
    )
    path = frame.header.path
    path_name = "" if number else path.parent.name if file_count > 1 else path.stem
    text = next(
        (t for t in (description, path_name) if t and not has_patient_identifier(t, dataset)), ""
    )
    if not text:
        text = f"{attributes.get_text(dataset, 'Modality')} series".strip()
    return " ".join(p for p in (number, text, f"({label})" if label else "") if p)


def has_patient_identifier(text: str, dataset: Dataset) -> bool:
    """Return whether a word of a text is part of the patient's name or ID."""
    patient = (
        f"{attributes.get_text(dataset, 'PatientName')} {attributes.get_text(dataset, 'PatientID')}"
    )
    patient_words = set(_split_words(patient))
    return any(word in patient_words for word in _split_words(text) if len(word) > 1)


def _split_words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return re.split(r"[\W_]+", text.lower())


def series_number_from_name(name: str) -> float:
    """Return the series number at the start of a volume's name; infinity if there is none."""
    match = re.match(r"\d+", name)
    return float(match.group()) if match else float("inf")


def make_names_unique(volumes: Sequence[Volume]) -> None:
    """Append a number in brackets to the names of volumes that share one, counted from 1."""
    counts = Counter(v.name for v in volumes)
    numbered: Counter[str] = Counter()
    for volume in volumes:
        name = volume.name
        if counts[name] > 1:
            numbered[name] += 1
            volume.name = f"{name} [{numbered[name]}]"
