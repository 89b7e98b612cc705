"""Writes NRRD, ``.nrrd``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from napari_medread.core.atomic_files import WrittenFiles, open_atomic_file
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume
from napari_medread.core.voxel_blocks import CHANNEL_LABEL, find_stored_type, read_blocks
from napari_medread.errors import UnreadableFile
from napari_medread.formats.nrrd.nrrd_header import (
    FIELD_NAMES,
    SPACE_TO_LPS_SIGNS,
    TYPE_NAMES,
    NrrdHeader,
    read_nrrd_header,
)
from napari_medread.formats.shared.file_grid import (
    LABEL_MAP_KEY,
    LEADING_AXES_KEY,
    FileGrid,
    format_leading_axes,
    remove_patient_keys,
    to_file_grid,
)
from napari_medread.formats.shared.stored_voxels import GZIP_WBITS, write_stored_voxels

_REPLACED_KEYS = (LEADING_AXES_KEY, LABEL_MAP_KEY)
"""Keys that are written anew, and not copied."""

_SEGMENT_KEY = re.compile(r"Segment\d+_|Segmentation_")
"""Keys of 3D Slicer that describe segments, and so mark labels."""


def write(
    path: Path,
    volume: Volume,
    *,
    compress: bool = False,
    keep_patient: bool = False,
    progress: Progress = no_progress,
) -> WrittenFiles:
    """Write an NRRD with its data in the same file.

    Parameters
    ----------
    path : Path
        The file.
    volume : Volume
        Up to four dimensions, and channels or colour. Keys of the NRRD it was read from are
        written again.
    compress : bool
        Whether to compress the data with gzip.
    keep_patient : bool
        Whether to write keys that identify the patient too.
    progress : Progress
        Reports progress, and cancels.

    Returns
    -------
    Written
        The file.

    Raises
    ------
    CannotWrite
        If the volume cannot be written. An existing file is then unchanged.
    """
    grid = to_file_grid(volume)
    dtype, notes = find_stored_type(volume)
    source = _read_source_header(volume)
    keys, dropped = _make_keys(volume, grid, source, keep_patient=keep_patient)
    fields = _make_fields(volume, grid, dtype, source) | {"encoding": "gzip" if compress else "raw"}
    lines = ["NRRD0005", *(f"{name}: {value}" for name, value in fields.items())]
    lines += [f"{key}:={_escape(value)}" for key, value in keys.items()]
    header = "\n".join([*lines, "", ""]).encode()
    with open_atomic_file(path) as file:
        file.write(header)
        write_stored_voxels(
            file, read_blocks(volume, dtype, progress), GZIP_WBITS if compress else None
        )
    return WrittenFiles((path,), (*notes, *grid.notes, *dropped))


def _make_fields(
    volume: Volume, grid: FileGrid, dtype: np.dtype[Any], source: NrrdHeader | None
) -> dict[str, str]:
    """Return the fields that describe the file."""
    channels = [grid.channels] if grid.channels > 1 else []
    vectors = np.asarray(grid.direction) * grid.spacing
    others = [axis.label for axis in grid.others]
    fields = {
        "type": TYPE_NAMES[dtype.newbyteorder("=")],
        "dimension": str(len(channels) + len(grid.size)),
        "sizes": " ".join(map(str, [*channels, *grid.size])),
        "endian": "little",
    }
    kinds = ["domain"] * grid.spatial_ndim + [
        "time" if name == "time" else "domain" for name in others
    ]
    names = [""] * grid.spatial_ndim + others
    none = ["none"] if channels else []
    if grid.spatial_ndim == 3:
        fields["space"] = "left-posterior-superior" + ("-time" if others else "")
    elif volume.geometry is not None:
        fields["space dimension"] = str(len(grid.size))
    if volume.geometry is not None:
        fields["space directions"] = " ".join([*none, *map(_format_vector, vectors.T)])
        fields["space origin"] = _format_vector(grid.origin)
        units = ["mm"] * grid.spatial_ndim + [axis.unit for axis in grid.others]
        fields["space units"] = _format_strings(units)
        frame = _format_measurement_frame(source) if grid.spatial_ndim == 3 and not others else ""
        if frame:
            fields["measurement frame"] = frame
    elif others:
        steps = ["NaN"] * (len(channels) + 2) + [repr(float(axis.step)) for axis in grid.others]
        fields["spacings"] = " ".join(steps)
        fields["units"] = _format_strings(
            [""] * (len(channels) + 2) + [axis.unit for axis in grid.others]
        )
    if channels:
        colour = {3: "RGB-color", 4: "RGBA-color"}.get(grid.channels, "vector")
        kinds.insert(0, colour if volume.rgb else "vector")
        names.insert(0, "" if volume.rgb else CHANNEL_LABEL)
    fields["kinds"] = " ".join(kinds)
    if any(names):
        fields["labels"] = _format_strings(names)
    return fields


def _is_from_nrrd(volume: Volume) -> bool:
    return bool(volume.source) and volume.source[0].suffix.lower() in (".nrrd", ".nhdr")


def _read_source_header(volume: Volume) -> NrrdHeader | None:
    """Return the header of the NRRD that a volume was read from, or None."""
    if not _is_from_nrrd(volume):
        return None
    try:
        return read_nrrd_header(volume.source[0])
    except UnreadableFile:  # it no longer exists
        return None


def _make_keys(
    volume: Volume, grid: FileGrid, source: NrrdHeader | None, *, keep_patient: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the keys to write, with those of the NRRD that was read, and notes."""
    keys: dict[str, str] = {}
    if grid.others and any(axis != Axis("time", "s", axis.step) for axis in grid.others):
        keys[LEADING_AXES_KEY] = format_leading_axes(grid.others[::-1])
    if volume.labels:
        keys[LABEL_MAP_KEY] = "True"
    copied = volume.header if _is_from_nrrd(volume) else {}
    if source:  # keys that identify the patient are only in the file
        copied = {**source.keys, **copied}
    kept, dropped = remove_patient_keys(
        {
            key: value
            for key, value in copied.items()
            if key not in (*_REPLACED_KEYS, *FIELD_NAMES)
            and (volume.labels or not _SEGMENT_KEY.match(key))
        },
        keep_patient=keep_patient,
    )
    if grid.others and any("gradient" in key for key in kept) and _format_measurement_frame(source):
        dropped = (*dropped, "The measurement frame of the gradients was not written.")
    return keys | kept, dropped


def _format_measurement_frame(source: NrrdHeader | None) -> str:
    """Return the measurement frame of the NRRD that was read, in LPS; empty if it has none."""
    frame = source.measurement_frame if source else ()
    flips = SPACE_TO_LPS_SIGNS.get(source.patient_space[:3]) if source else None
    if len(frame) != 3 or flips is None:
        return ""
    return " ".join(_format_vector(vector * flips) for vector in frame)


def _format_vector(numbers: Iterable[float]) -> str:
    # -0.0 + 0.0 is 0.0.
    return f"({','.join(repr(float(n) + 0.0) for n in numbers)})"


def _format_strings(words: Iterable[str]) -> str:
    return " ".join('"' + word.replace('"', "'") + '"' for word in words)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
