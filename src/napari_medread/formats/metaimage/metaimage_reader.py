"""MetaImage, ``.mhd`` and ``.mha``: SimpleITK is the judge of array and geometry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from napari_medread.core import contrast_limits
from napari_medread.core.geometry import Geometry
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Axis, Volume, to_world_order
from napari_medread.errors import NotAVolume
from napari_medread.formats.metaimage.metaimage_header import Header, read_header
from napari_medread.formats.metaimage.metaimage_voxels import read_pixels
from napari_medread.formats.shared.file_grid import FRAME, LEADING_AXES, read_axes
from napari_medread.formats.shared.volume_assembly import is_colour


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read a MetaImage.

    Parameters
    ----------
    path : Path
        Its header.
    progress : Progress
        Reports progress on data that are not memory-mapped.

    Returns
    -------
    list of Volume
        One. Two-dimensional images have no patient position, others have (as ITK reads
        them, in LPS). Three or four unsigned channels of 8 or 16 bits are colour; any
        other number is a leading axis, as is a fourth dimension.

    Raises
    ------
    UnreadableFile
        Where the header is wrong, or the data are missing or too short.
    """
    header = read_header(path)
    data, notes = read_pixels(header, progress)
    leading = _leading(header)
    space = header.ndim - len(leading)
    geometry: Geometry | None = _geometry(header, space)
    if not header.has_spacing:
        if space == 2:
            geometry = None
            notes.append("The header gives no ElementSpacing: sizes are in pixels.")
        else:
            notes.append("The header gives no ElementSpacing: 1 mm is assumed, as SimpleITK does.")
    rgb = is_colour(data.dtype, header.channels)
    if header.channels > 1 and not rgb:
        data = np.moveaxis(data, -1, 0)
        leading = (Axis("channel"), *leading)
    limits = None if rgb else contrast_limits.limits_of(data)
    if geometry is not None:
        data, geometry = to_world_order(data, geometry, len(leading), rgb=rgb)
    modality = header.keys.get("Modality", "").removeprefix("MET_MOD_")
    return [
        Volume(
            data,
            path.stem,
            geometry,
            leading,
            rgb=rgb,
            contrast_limits=limits,
            source=(path,),
            notes=tuple(notes),
            modality="" if modality == "UNKNOWN" else modality,
            header=dict(header.keys),
        )
    ]


def _leading(header: Header) -> tuple[Axis, ...]:
    """Return what the dimensions are that are not space.

    Without a word in the header a fourth one is that: its spacing is not millimetres, but
    what it is is not said.
    """
    axes = read_axes(header.keys.get(LEADING_AXES, ""))
    if header.ndim - len(axes) in (2, 3):
        return axes
    return (Axis(FRAME),) if header.ndim == 4 else ()


def _geometry(header: Header, space: int) -> Geometry:
    """Return the geometry as SimpleITK understands the header; it opens no data."""
    try:
        str(header.path).encode()
    except UnicodeEncodeError as error:  # SimpleITK would end the process
        raise header.error("the path has letters that are not UTF-8: rename it.") from error
    reader = sitk.ImageFileReader()
    reader.SetImageIO("MetaImageIO")
    reader.SetFileName(str(header.path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise header.error(f"SimpleITK does not understand its header{_why(error)}.") from error
    understood = (reader.GetSize(), reader.GetNumberOfComponents())
    if understood != (header.size, header.channels):
        raise header.error(
            f"SimpleITK understands its header otherwise: DimSize {understood[0]}, "
            f"{understood[1]} channels."
        )
    ndim, grid = header.ndim, space
    direction = np.reshape(reader.GetDirection(), (ndim, ndim))
    if direction[grid:, :grid].any() or direction[:grid, grid:].any():
        raise header.error("an axis that is not of space leans into it.")
    try:
        return Geometry.from_itk(
            header.size[:grid],
            reader.GetSpacing()[:grid],
            reader.GetOrigin()[:grid],
            direction[:grid, :grid].ravel().tolist(),
        )
    except NotAVolume as error:
        problem = str(error)
        raise header.error(problem[0].lower() + problem[1:]) from error


def _why(error: Exception) -> str:
    """Return the line of an ITK error that says what is wrong, in brackets, if one does."""
    last = str(error).strip().splitlines()[-1].strip().rstrip(".")
    # "Reason: Success" is the C library's view of a header that MetaIO could not parse.
    return "" if last.startswith("Reason:") else f" ({last})"
