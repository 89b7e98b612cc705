"""Reading the header of a file, or of one slice of a volume, in Python, without napari."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from napari_medread.core.tag_elements import Tag, Tags
from napari_medread.core.volume import Volume
from napari_medread.dicom.headers.file_discovery import get_path_kind, is_dicom
from napari_medread.dicom.headers.full_header import FullHeader
from napari_medread.errors import UnreadableFile
from napari_medread.formats.registry import read_header_as_text

PathLike = str | os.PathLike[str]


def tags(source: PathLike | Volume, index: int | Sequence[int] | None = None) -> Tags:
    """Read the header of a file, or of one slice of a volume, without its pixels.

    ``tags("IM0001")["Manufacturer"].value`` is one value. ``tags("IM0001").find("0008,0070")``
    and ``tags("IM0001").find("manufacturer")`` return the elements that match a text, including
    those in sequences.

    Parameters
    ----------
    source : path or Volume
        A DICOM, MetaImage, NIfTI or NRRD file; or a volume, whose source files are opened.
    index : int, sequence of int or None
        Of a file with several frames: the frame, counted from 0, of whose functional groups only
        its own are returned. Of a volume: the slice along its slice axis, preceded by the
        indices along the leading axes, as in ``(3, 12)``.

    Returns
    -------
    Tags
        All elements in the order of the file. Keys of other formats have a name and a value.

    Raises
    ------
    UnreadableFile
        If there is no such file, frame or slice, or it has no header.
    """
    if isinstance(source, Volume):
        return tags(*_find_image(source, index))
    path = Path(source)
    kind = get_path_kind(path)
    if kind == "folder":
        raise UnreadableFile(
            f"{path.name}: this is a folder. Give one of its files, or a volume that was read "
            "from it and the index of a slice."
        )
    if not kind:
        raise UnreadableFile(f"{path.name}: there is no such file.")
    keys = read_header_keys(path)
    if keys is not None:
        return keys
    header = FullHeader(path)
    if index is None:
        return header.read_tags()
    if not isinstance(index, int) or not 0 <= index < header.number_of_frames:
        raise UnreadableFile(
            f"{path.name}: there is no frame {index} among {header.number_of_frames}."
        )
    return header.read_tags(index)


def read_header_keys(path: Path) -> Tags | None:
    """Return the header keys of a file that is not DICOM.

    Returns
    -------
    Tags or None
        None for DICOM files, and for formats without header keys.

    Raises
    ------
    UnreadableFile
        If the header is invalid.
    """
    keys = None if is_dicom(path) else read_header_as_text(path)
    return None if keys is None else Tags([Tag(name, value) for name, value in keys.items()])


def _find_image(volume: Volume, index: int | Sequence[int] | None) -> tuple[Path, int | None]:
    """Return the file that holds a slice of a volume, and the number of the frame in it."""
    source, frames = volume.source, volume.slice_sources
    if len(source) == 1 and (index is None or frames is None):
        return source[0], None
    leading_shape = volume.shape[: len(volume.leading)]
    if frames is None or not frames.is_valid_for(len(source), leading_shape):
        raise UnreadableFile(f"{volume.name}: the files of its slices are not known.")
    if index is None:
        raise UnreadableFile(
            f"{volume.name}: it was read from {len(source)} files. Give the index of a slice, as "
            "in tags(volume, 0)."
        )
    indices = [index] if isinstance(index, int) else [*index]
    lengths, voxel = [*leading_shape], list[float]()
    grid = volume.geometry if frames.grid is not None else None
    if grid is not None:
        lengths.append(grid.shape[grid.slice_axis])
        voxel = [(n - 1) / 2 for n in grid.shape]
        voxel[grid.slice_axis] = indices[-1]
    if len(indices) != len(lengths) or not all(
        0 <= n < length for n, length in zip(indices, lengths, strict=True)
    ):
        raise UnreadableFile(f"{volume.name}: there is no slice {indices} among {lengths}.")
    image = frames.find_nearest(indices[: len(leading_shape)], voxel, grid)
    if image is None or image.distance:
        raise UnreadableFile(
            f"{volume.name}: slice {indices} is in no file: it was filled or interpolated."
        )
    return source[image.file_index], image.frame_index
