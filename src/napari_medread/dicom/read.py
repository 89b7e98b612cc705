"""Arrays to volumes: names, windows, units, and where a volume lies or how large its pixels are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
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
from napari_medread.dicom.headers.header_scan import scan_headers
from napari_medread.dicom.pixels.frame_decoding import is_rgb
from napari_medread.dicom.pixels.modality_values import UNIT_LABELS, ModalityTransform
from napari_medread.dicom.pixels.stack_assembly import read_stack
from napari_medread.dicom.sorting.series_splitting import group_by_series, split_series
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.errors import NotAVolume, UnreadableFile


def read_dicom(
    paths: Iterable[Path],
    progress: Progress = no_progress,
    *,
    lazy: bool | None = None,
    lazy_above: int | None = None,
) -> tuple[list[Volume], list[str]]:
    """Read all volumes of the DICOM files among ``paths``.

    Parameters
    ----------
    paths : iterable of Path
        Files of any number of series, in any order and of any name; others are passed over.
    progress : Progress
        Reports progress, and may stop it.
    lazy : bool or None
        Whether slices are read only when they are looked at. None: all volumes but the
        largest, and that too where it would take much of the free memory.
    lazy_above : int or None
        In bytes: the size that is too much for that; see ``read_stack``.

    Returns
    -------
    volumes : list of Volume
        By series number.
    skipped : list of str
        What was DICOM and could not be read, and why. Both are empty where there is none.
    """
    found = scan_headers(paths, progress)
    volumes: list[Volume] = []
    skipped = list(found.skipped)
    stacks = [stack for series in group_by_series(found.headers) for stack in split_series(series)]
    largest = max(stacks, key=lambda stack: stack.size, default=None)
    for stack in stacks:
        later = True if lazy is None and stack is not largest else lazy
        try:
            volumes.append(build_volume(stack, progress, lazy=later, lazy_above=lazy_above))
        except UnreadableFile as error:
            skipped.append(str(error))
    volumes.sort(key=series_number_from_name)
    make_names_unique(volumes)
    return volumes, skipped


def build_volume(
    stack: Stack,
    progress: Progress = no_progress,
    *,
    lazy: bool | None = None,
    lazy_above: int | None = None,
) -> Volume:
    """Read one stack, as ``read_dicom`` does.

    Raises
    ------
    UnreadableFile
        Where no image of it can be decoded, or its images make no volume.
    """
    try:
        return _volume(stack, progress, lazy=lazy, lazy_above=lazy_above)
    except NotAVolume as error:
        raise UnreadableFile(f"{stack.all_frames[0].header.path.name}: {error}") from error


def _volume(
    stack: Stack, progress: Progress, *, lazy: bool | None, lazy_above: int | None
) -> Volume:
    frames = stack.all_frames
    # The middle of a stack shows the anatomy that a window was made for.
    middle = frames[len(frames) // 2]
    dataset = middle.dataset
    pixels = read_stack(stack, progress, lazy=lazy, lazy_above=lazy_above)
    data, rgb = pixels.data, is_rgb(middle)
    notes = [*stack.notes, *pixels.notes]
    leading = stack.leading
    geometry: Geometry | None
    pixel_size = (1.0, 1.0)
    if stack.affine is not None:
        lead = len(leading)
        grid_shape = data.shape[lead : lead + 3]
        geometry = Geometry(grid_shape, stack.affine)
        data, geometry = to_world_order(data, geometry, lead, rgb=rgb)
    else:
        spacing, doubts = find_pixel_size(middle)
        notes += doubts
        data = data[(slice(None),) * len(leading) + (0,)]
        geometry = None
        if spacing is None:
            pixel_size, doubts = find_pixel_aspect(middle)
            notes += doubts
        else:
            rows, columns = middle.rows, middle.columns
            geometry = Geometry((rows, columns), np.diag([*spacing, 1.0])[[1, 0, 2]])
    windows, limits = _display(middle, pixels.sample, notes, rgb=rgb)
    source = tuple(dict.fromkeys(f.header.path for f in frames))
    return Volume(
        data,
        _name(middle, stack.label, len(source)),
        geometry,
        leading,
        pixel_size=pixel_size,
        rgb=rgb,
        contrast_limits=limits,
        inverted=middle.header.photometric_interpretation == "MONOCHROME1",
        source=source,
        notes=tuple(notes),
        modality=attributes.get_text(dataset, "Modality"),
        value_unit=_value_unit(dataset),
        windows=windows,
        frames=_frames(stack, source, None if stack.affine is None else geometry),
    )


def _frames(stack: Stack, source: Sequence[Path], grid: Geometry | None) -> SliceSources:
    """Return which image of which file lies where."""
    index = {path: n for n, path in enumerate(source)}
    present = [n for n, frame in enumerate(stack.frames[0]) if frame is not None]
    lines = [[line[n] for n in present] for line in stack.frames]
    shape = (*stack.lead_shape, len(present))
    return SliceSources(
        np.reshape([index[f.header.path] for line in lines for f in line if f], shape),
        np.reshape([f.index for line in lines for f in line if f], shape),
        np.asarray(stack.grid.places if stack.grid else present, dtype=float),
        grid,
    )


def _display(
    frame: Frame, sample: Callable[[], NDArray[Any]], notes: list[str], *, rgb: bool
) -> tuple[tuple[Window, ...], tuple[float, float] | None]:
    """Return a frame's windows, and the limits of the first or of the values themselves."""
    if rgb:
        return (), None
    dataset = frame.dataset
    scale = ModalityTransform.of(frame).window_scale
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


def _value_unit(dataset: Dataset) -> str:
    """Return the unit of modality values: RescaleType, Units of PET, HU of plain CT."""
    keywords = ("RescaleType", "Units", "DoseUnits")
    kind = next((t for k in keywords if (t := attributes.get_text(dataset, k).upper())), "")
    if not kind and attributes.get_text(dataset, "Modality") == "CT":
        # PS3.3 C.11.1.1.2: HU unless the image is a localizer.
        kind = "" if "LOCALIZER" in attributes.get_text(dataset, "ImageType").upper() else "HU"
    return UNIT_LABELS.get(kind, "")


def _name(frame: Frame, label: str, files: int) -> str:
    """Name a volume by series number and description, else by its file or folder.

    Whoever named a folder after the patient does not get that name onto the screen.
    """
    dataset = frame.dataset
    number = attributes.get_text(dataset, "SeriesNumber")
    described = attributes.get_text(dataset, "SeriesDescription") or attributes.get_text(
        dataset, "ProtocolName"
    )
    path = frame.header.path
    place = "" if number else path.parent.name if files > 1 else path.stem
    text = next((t for t in (described, place) if t and not has_patient_identifier(t, dataset)), "")
    if not text:
        text = f"{attributes.get_text(dataset, 'Modality')} series".strip()
    return " ".join(p for p in (number, text, f"({label})" if label else "") if p)


def has_patient_identifier(text: str, dataset: Dataset) -> bool:
    """Tell whether a text has a part of the patient's name or ID as one of its words."""
    patient = (
        f"{attributes.get_text(dataset, 'PatientName')} {attributes.get_text(dataset, 'PatientID')}"
    )
    named = set(_words(patient))
    return any(word in named for word in _words(text) if len(word) > 1)


def _words(text: str) -> list[str]:
    return re.split(r"[\W_]+", text.lower())


def series_number_from_name(volume: Volume) -> float:
    """Return the series number a volume's name starts with; those without one sort last."""
    number = re.match(r"\d+", volume.name)
    return float(number.group()) if number else float("inf")


def make_names_unique(volumes: Sequence[Volume]) -> None:
    """Number volumes that would have one name."""
    counts = Counter(v.name for v in volumes)
    seen: Counter[str] = Counter()
    for volume in volumes:
        name = volume.name
        if counts[name] > 1:
            seen[name] += 1
            volume.name = f"{name} [{seen[name]}]"
