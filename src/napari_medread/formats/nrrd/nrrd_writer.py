"""Writes NRRD, ``.nrrd``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from napari_medread.core.atomic_files import Written, replacing
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume
from napari_medread.core.voxel_blocks import CHANNEL, read_blocks, stored_type
from napari_medread.errors import UnreadableFile
from napari_medread.formats.nrrd.nrrd_header import FIELDS, FLIPS, TYPE_NAMES, Header, read_header
from napari_medread.formats.shared.file_grid import (
    LABEL_MAP,
    LEADING_AXES,
    FileGrid,
    file_grid,
    spelled_axes,
    without_patient,
)
from napari_medread.formats.shared.stored_voxels import GZIP, write_stored

_OWN = (LEADING_AXES, LABEL_MAP)
"""Keys that are written anew."""


def write(
    path: Path,
    volume: Volume,
    *,
    compress: bool = False,
    keep_patient: bool = False,
    progress: Progress = no_progress,
) -> Written:
    """Write an NRRD with its data in the same file.

    Parameters
    ----------
    path : Path
        The file.
    volume : Volume
        Up to four dimensions, and channels or colour. Keys of the NRRD that it was read from
        are written again.
    compress : bool
        Whether to pack the data (gzip).
    keep_patient : bool
        Whether keys that name the patient are written again too.
    progress : Progress
        Reports progress, and stops.

    Returns
    -------
    Written
        The file.

    Raises
    ------
    CannotWrite
        Where it cannot be written; what was there before is still there.
    """
    grid = file_grid(volume)
    dtype, notes = stored_type(volume)
    source = _source(volume)
    keys, dropped = _keys(volume, grid, source, keep_patient=keep_patient)
    fields = _fields(volume, grid, dtype, source) | {"encoding": "gzip" if compress else "raw"}
    lines = ["NRRD0005", *(f"{name}: {value}" for name, value in fields.items())]
    lines += [f"{key}:={_escaped(value)}" for key, value in keys.items()]
    header = "\n".join([*lines, "", ""]).encode()
    with replacing(path) as file:
        file.write(header)
        write_stored(file, read_blocks(volume, dtype, progress), GZIP if compress else None)
    return Written((path,), (*notes, *grid.notes, *dropped))


def _fields(
    volume: Volume, grid: FileGrid, dtype: np.dtype[Any], source: Header | None
) -> dict[str, str]:
    """Return the fields that describe the file."""
    voxel = [grid.channels] if grid.channels > 1 else []
    vectors = np.asarray(grid.direction) * grid.spacing
    others = [axis.label for axis in grid.others]
    fields = {
        "type": TYPE_NAMES[dtype.newbyteorder("=")],
        "dimension": str(len(voxel) + len(grid.size)),
        "sizes": " ".join(map(str, [*voxel, *grid.size])),
        "endian": "little",
    }
    kinds = ["domain"] * grid.space + ["time" if name == "time" else "domain" for name in others]
    names = [""] * grid.space + others
    none = ["none"] if voxel else []
    if grid.space == 3:
        fields["space"] = "left-posterior-superior" + ("-time" if others else "")
    elif volume.geometry is not None:
        fields["space dimension"] = str(len(grid.size))
    if volume.geometry is not None:
        fields["space directions"] = " ".join([*none, *map(_vector, vectors.T)])
        fields["space origin"] = _vector(grid.origin)
        units = ["mm"] * grid.space + [axis.unit for axis in grid.others]
        fields["space units"] = _strings(units)
        frame = _measurement_frame(source) if grid.space == 3 and not others else ""
        if frame:
            fields["measurement frame"] = frame
    elif others:
        steps = ["NaN"] * (len(voxel) + 2) + [repr(float(axis.step)) for axis in grid.others]
        fields["spacings"] = " ".join(steps)
        fields["units"] = _strings([""] * (len(voxel) + 2) + [axis.unit for axis in grid.others])
    if voxel:
        colour = {3: "RGB-color", 4: "RGBA-color"}.get(grid.channels, "vector")
        kinds.insert(0, colour if volume.rgb else "vector")
        names.insert(0, "" if volume.rgb else CHANNEL)
    fields["kinds"] = " ".join(kinds)
    if any(names):
        fields["labels"] = _strings(names)
    return fields


def _is_nrrd(volume: Volume) -> bool:
    return bool(volume.source) and volume.source[0].suffix.lower() in (".nrrd", ".nhdr")


def _source(volume: Volume) -> Header | None:
    """Return the header of the NRRD that a volume was read from, if it was."""
    if not _is_nrrd(volume):
        return None
    try:
        return read_header(volume.source[0])
    except UnreadableFile:  # gone since
        return None


def _keys(
    volume: Volume, grid: FileGrid, source: Header | None, *, keep_patient: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the keys to write, those of the NRRD that was read among them."""
    keys: dict[str, str] = {}
    if grid.others and any(axis != Axis("time", "s", axis.step) for axis in grid.others):
        keys[LEADING_AXES] = spelled_axes(grid.others[::-1])
    if volume.labels:
        keys[LABEL_MAP] = "True"
    found = volume.header if _is_nrrd(volume) else {}
    if source:  # what names the patient is in no volume, only in its file
        found = {**source.keys, **found}
    kept, dropped = without_patient(
        {key: value for key, value in found.items() if key not in (*_OWN, *FIELDS)},
        keep_patient=keep_patient,
    )
    if grid.others and any("gradient" in key for key in kept) and _measurement_frame(source):
        dropped = (*dropped, "The measurement frame of the gradients was not written.")
    return keys | kept, dropped


def _measurement_frame(source: Header | None) -> str:
    """Return the frame of vectors such as gradients, of the NRRD that was read, in LPS."""
    frame = source.measurement_frame if source else ()
    flips = FLIPS.get(source.patient_space[:3]) if source else None
    if len(frame) != 3 or flips is None:
        return ""
    return " ".join(_vector(vector * flips) for vector in frame)


def _vector(numbers: Iterable[float]) -> str:
    # -0.0 + 0.0 is 0.0.
    return f"({','.join(repr(float(n) + 0.0) for n in numbers)})"


def _strings(words: Iterable[str]) -> str:
    return " ".join('"' + word.replace('"', "'") + '"' for word in words)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
