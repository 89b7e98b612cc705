"""Look at the header of a file, or of a slice of a volume, without napari."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from napari_medread.core.tag_elements import Tag, Tags
from napari_medread.core.volume import Volume
from napari_medread.dicom.headers.file_discovery import get_path_kind, is_dicom
from napari_medread.dicom.headers.full_header import FullHeader
from napari_medread.errors import UnreadableFile
from napari_medread.formats.registry import read_header_keys

PathLike = str | os.PathLike[str]


def tags(source: PathLike | Volume, index: int | Sequence[int] | None = None) -> Tags:
    """Read the header of a file, or of one slice of a volume. Pixels are not read.

    ``tags("IM0001")["Manufacturer"].value`` is one value, ``tags("IM0001").find("0008,0070")``
    and ``.find("manufacturer")`` are the elements that a text finds, in sequences too.

    Parameters
    ----------
    source : path or Volume
        A DICOM, MetaImage, NIfTI or NRRD file; or a volume that was read, whose files are
        looked up.
    index : int, sequence of int or None
        Of a file with several frames the frame, from 0: of the functional groups only its own
        are returned. Of a volume the slice along its slice axis, with the indices of the
        leading axes before it, as ``(3, 12)``.

    Returns
    -------
    Tags
        All elements in the order of the file. Keys of other formats have a name and a value.

    Raises
    ------
    UnreadableFile
        Where there is no such file, frame or slice, or no header in it.
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
    keys = read_read_header_keys(path)
    if keys is not None:
        return keys
    found = FullHeader(path)
    if index is None:
        return found.tags()
    if not isinstance(index, int) or not 0 <= index < found.frames:
        raise UnreadableFile(f"{path.name}: there is no frame {index} among {found.frames}.")
    return found.tags(index)


def read_header_keys(path: Path) -> Tags | None:
    """Return the keys of a header that is none of DICOM's; None where there are none.

    Raises
    ------
    UnreadableFile
        Where the header is wrong.
    """
    keys = None if is_dicom(path) else read_header_keys(path)
    return None if keys is None else Tags([Tag(name, value) for name, value in keys.items()])


def _find_image(volume: Volume, index: int | Sequence[int] | None) -> tuple[Path, int | None]:
    """Return the file of a slice, and the frame in it."""
    source, frames = volume.source, volume.frames
    if len(source) == 1 and (index is None or frames is None):
        return source[0], None
    lead_shape = volume.shape[: len(volume.leading)]
    if frames is None or not frames.fit(len(source), lead_shape):
        raise UnreadableFile(f"{volume.name}: the files of its slices are not known.")
    if index is None:
        raise UnreadableFile(
            f"{volume.name}: it was read from {len(source)} files. Say which slice, as in "
            "tags(volume, 0)."
        )
    wanted = [index] if isinstance(index, int) else [*index]
    lengths, place = [*lead_shape], list[float]()
    grid = volume.geometry if frames.grid is not None else None
    if grid is not None:
        lengths.append(grid.shape[grid.slice_axis])
        place = [(n - 1) / 2 for n in grid.shape]
        place[grid.slice_axis] = wanted[-1]
    if len(wanted) != len(lengths) or not all(
        0 <= n < length for n, length in zip(wanted, lengths, strict=True)
    ):
        raise UnreadableFile(f"{volume.name}: there is no slice {wanted} among {lengths}.")
    image = frames.nearest(wanted[: len(lead_shape)], place, grid)
    if image is None or image.distance:
        raise UnreadableFile(
            f"{volume.name}: slice {wanted} is in no file: it was filled or interpolated."
        )
    return source[image.file], image.number
