"""Reads MetaImage, ``.mhd`` and ``.mha``. SimpleITK reads the geometry, this package the voxels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from napari_medread.core.geometry import Geometry
from napari_medread.core.opening_window import choose_array_window
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume, is_colour, to_world_order
from napari_medread.errors import NotAVolume
from napari_medread.formats.metaimage.metaimage_header import MetaImageHeader, read_metaimage_header
from napari_medread.formats.metaimage.metaimage_voxels import read_metaimage_voxels
from napari_medread.formats.shared.file_grid import (
    FRAME_LABEL,
    LABEL_MAP_KEY,
    LEADING_AXES_KEY,
    parse_leading_axes,
)


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read a MetaImage.

    Parameters
    ----------
    path : Path
        The file of the header.
    progress : Progress
        Reports progress on data that are not memory-mapped, and cancels.

    Returns
    -------
    list of Volume
        One volume. Two-dimensional images have no patient position; others are in LPS, as ITK
        reads them. Three or four unsigned channels of 8 or 16 bits are colour. Other channels
        are a leading axis, as is a fourth dimension. ``LabelMap = True`` marks labels.

    Raises
    ------
    UnreadableFile
        If the header is invalid, or the data are missing or too short.
    """
    header = read_metaimage_header(path)
    data, notes = read_metaimage_voxels(header, progress)
    leading = _find_leading_axes(header)
    spatial_ndim = header.ndim - len(leading)
    geometry: Geometry | None = _read_geometry(header, spatial_ndim)
    if not header.has_spacing:
        if spatial_ndim == 2:
            geometry = None
            notes.append("The header gives no ElementSpacing: sizes are in pixels.")
        else:
            notes.append("The header gives no ElementSpacing: 1 mm is assumed, as SimpleITK does.")
    rgb = is_colour(data.dtype, header.channels)
    if header.channels > 1 and not rgb:
        data = np.moveaxis(data, -1, 0)
        leading = (Axis("channel"), *leading)
    labels = header.is_true(LABEL_MAP_KEY) and not rgb
    modality = header.keys.get("Modality", "").removeprefix("MET_MOD_")
    modality = "" if modality == "UNKNOWN" else modality
    opening = None
    if not (rgb or labels):
        slice_axis = 0 if geometry is None else geometry.slice_axis
        opening = choose_array_window(data, slice_axis, modality=modality)
        notes += opening.notes
    if geometry is not None:
        data, geometry = to_world_order(data, geometry, len(leading), rgb=rgb)
    return [
        Volume(
            data,
            path.stem,
            geometry,
            leading,
            rgb=rgb,
            labels=labels,
            contrast_limits=None if opening is None else opening.limits,
            source=(path,),
            notes=tuple(notes),
            modality=modality,
            header=dict(header.keys),
            proposed_windows=() if opening is None else opening.proposed,
        )
    ]


def _find_leading_axes(header: MetaImageHeader) -> tuple[Axis, ...]:
    """Return the axes of the dimensions that are not spatial, in array order.

    Without ``LeadingAxes`` in the header, a fourth dimension is an axis of unknown meaning, whose
    spacing is not in mm.
    """
    axes = parse_leading_axes(header.keys.get(LEADING_AXES_KEY, ""))
    if header.ndim - len(axes) in (2, 3):
        return axes
    return (Axis(FRAME_LABEL),) if header.ndim == 4 else ()


def _read_geometry(header: MetaImageHeader, spatial_ndim: int) -> Geometry:
    """Return the geometry as SimpleITK reads it from the header, without opening the data."""
    try:
        str(header.path).encode()
    except UnicodeEncodeError as error:  # SimpleITK would end the process
        raise header.error("its path has characters that are not UTF-8. Rename it.") from error
    reader = sitk.ImageFileReader()
    reader.SetImageIO("MetaImageIO")
    reader.SetFileName(str(header.path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise header.error(
            f"SimpleITK cannot read its header{_describe_itk_error(error)}."
        ) from error
    parsed = (reader.GetSize(), reader.GetNumberOfComponents())
    if parsed != (header.size, header.channels):
        raise header.error(
            f"SimpleITK reads its header differently: DimSize {parsed[0]}, {parsed[1]} channels."
        )
    n = spatial_ndim
    direction = np.reshape(reader.GetDirection(), (header.ndim, header.ndim))
    if direction[n:, :n].any() or direction[:n, n:].any():
        raise header.error("its direction mixes spatial axes with another axis.")
    try:
        return Geometry.from_itk(
            header.size[:n],
            reader.GetSpacing()[:n],
            reader.GetOrigin()[:n],
            direction[:n, :n].ravel().tolist(),
        )
    except NotAVolume as error:
        problem = str(error)
        raise header.error(problem[0].lower() + problem[1:]) from error


def _describe_itk_error(error: Exception) -> str:
    """Return the line of an ITK error that states the problem, in brackets, or nothing."""
    last_line = str(error).strip().splitlines()[-1].strip().rstrip(".")
    # MetaIO reports a header that it cannot parse as "Reason: Success".
    return "" if last_line.startswith("Reason:") else f" ({last_line})"
