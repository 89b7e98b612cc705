"""Reading and writing medical images in Python, without napari.

What ``napari_medread`` exports of this module are ``read``, ``read_volume``, ``read_contours`` and
``write``. The rest finds the files to read at a path, and is used by ``catalogue`` and by the
plugin.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from napari_medread.core.atomic_files import WrittenFiles
from napari_medread.core.contours import ContourSet
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.size_text import format_size
from napari_medread.core.volume import SKIPPED, Volume
from napari_medread.dicom.headers.dicomdir import find_referenced_files, is_dicomdir
from napari_medread.dicom.headers.file_discovery import (
    DICOM_SUFFIXES,
    DICOM_WRITE_SUFFIX,
    get_path_kind,
    is_dicom,
    is_ignored_file,
    walk_files,
)
from napari_medread.errors import CannotWrite, UnreadableFile
from napari_medread.formats.registry import (
    IMAGEIO_SCHEME,
    WRITE_SUFFIXES,
    FileFormat,
    find_format,
    find_write_suffix,
    import_writer,
)

if TYPE_CHECKING:
    from napari_medread.dicom.read import DicomContents

PathLike = str | os.PathLike[str]

WRITABLE_SUFFIXES = (*WRITE_SUFFIXES, DICOM_WRITE_SUFFIX)
"""Suffixes of the files that can be written."""

NO_READABLE_IMAGE = "no readable image was found."
"""What is wrong with a path at which there is nothing to read; the name of the path precedes it."""

MAX_PROBED_FILES = 20_000
"""Number of files in a folder that ``is_readable`` opens, which takes about half a second."""

MAX_LISTED_PROBLEMS = 3
"""Number of skipped files that one error describes."""

MAX_LISTED_VOLUMES = 8
"""Number of volumes that one error lists."""


class FoundFiles(NamedTuple):
    """Files at one or several paths.

    Attributes
    ----------
    files : list of Path
        Files to read, except for pictures in folders.
    pictures : list of Path
        Pictures (JPEG, PNG, ...) in folders. They are read only if there is nothing else: beside
        volumes they are decoration, as viewers on CDs bring it.
    skipped : list of str
        Sentences about what is missing or cannot be opened.
    """

    files: list[Path]
    pictures: list[Path]
    skipped: list[str]


def read(
    path: PathLike | Sequence[PathLike],
    *,
    progress: Progress = no_progress,
    lazy: bool | None = None,
    lazy_above: int | None = None,
) -> list[Volume]:
    """Read all volumes at a path.

    Files that cannot be read are skipped as long as there are others: the notes of the first
    volume name them.

    Parameters
    ----------
    path : path, or sequence of paths
        A file; a folder, including its subfolders; a DICOMDIR; several of these; or the name of
        one of imageio's standard pictures, such as ``imageio:chelsea.png``. DICOM files are
        recognised by their content, other formats by their suffix. DICOM files given together
        are sorted into series together.
    progress : Progress
        Wraps the loops, to report progress and to cancel: see ``core.progress.Progress``.
    lazy : bool or None
        Whether ``data`` of DICOM volumes is a dask array that reads slices on demand. None: for
        all volumes but the largest, and for the largest if it would take much of the free
        memory.
    lazy_above : int or None
        Size in bytes up to which, with ``lazy=None``, the largest volume is read into memory, as
        long as it fits into half of the free memory. None: a quarter of the free memory.

    Returns
    -------
    list of Volume
        At least one: DICOM series by patient and number, then other files by name. See
        ``Geometry`` for the order of axes, unit and frame.

    Raises
    ------
    UnreadableFile
        If there is nothing at the path, or nothing that can be read.
    Cancelled
        If ``progress`` raises it.

    See Also
    --------
    read_volume : Read the only volume at a path.
    """
    paths = _to_list(path)
    contents = _read_paths(paths, progress, lazy, lazy_above)
    volumes = contents.volumes
    skipped = [*contents.skipped, *map(_describe_lines, contents.contours)]
    if not volumes:
        raise _make_nothing_read(paths, skipped)
    # What was skipped belongs to no volume; the first one carries it.
    volumes[0].notes = (*(f"{SKIPPED}{each}" for each in skipped), *volumes[0].notes)
    return volumes


def read_with_lines(
    path: PathLike | Sequence[PathLike],
    *,
    progress: Progress = no_progress,
    lazy_above: int | None = None,
) -> tuple[list[Volume], list[ContourSet]]:
    """Read all volumes at a path, and the contours of structure sets that become no labels.

    Parameters
    ----------
    path, progress, lazy_above
        As in ``read``.

    Returns
    -------
    volumes : list of Volume
    contours : list of ContourSet
        Points, open contours, and closed ones whose image is not at the path. One of the lists
        may be empty.

    Raises
    ------
    UnreadableFile, Cancelled
        As for ``read``.
    """
    paths = _to_list(path)
    contents = _read_paths(paths, progress, None, lazy_above)
    volumes, contours = contents.volumes, contents.contours
    if not (volumes or contours):
        raise _make_nothing_read(paths, contents.skipped)
    first: Volume | ContourSet = volumes[0] if volumes else contours[0]
    first.notes = (*(f"{SKIPPED}{each}" for each in contents.skipped), *first.notes)
    return volumes, contours


def read_contours(
    path: PathLike | Sequence[PathLike], *, progress: Progress = no_progress
) -> list[ContourSet]:
    """Read the contours of all DICOM structure sets at a path, without reading voxels.

    Parameters
    ----------
    path : path, or sequence of paths
        As in ``read``. If the images that contours were drawn on are there too, each set has their
        grid.
    progress : Progress
        Wraps the loops, to report progress and to cancel: see ``core.progress.Progress``.

    Returns
    -------
    list of ContourSet
        At least one: the closed contours, the points and the open contours of each structure set.

    Raises
    ------
    UnreadableFile
        If there is nothing at the path, or no structure set that can be read.
    Cancelled
        If ``progress`` raises it.
    """
    from napari_medread.dicom.read import read_dicom_contours

    paths = _to_list(path)
    found = find_files(paths)
    _, others = split_by_format(found.files)
    contours, skipped = read_dicom_contours(others, progress)
    if not contours:
        if skipped:
            raise UnreadableFile(_join_problems(skipped))
        raise UnreadableFile(f"{_name_paths(paths)}: there is no structure set with contours.")
    return contours


def read_volume(
    path: PathLike | Sequence[PathLike],
    *,
    progress: Progress = no_progress,
    lazy: bool | None = None,
    lazy_above: int | None = None,
) -> Volume:
    """Read the only volume at a path.

    Parameters
    ----------
    path, progress, lazy, lazy_above
        As in ``read``.

    Returns
    -------
    Volume
        See ``Geometry`` for the order of axes, unit and frame.

    Raises
    ------
    UnreadableFile
        If there are several volumes, which the message lists; if there is nothing at the path, or
        nothing that can be read.
    Cancelled
        If ``progress`` raises it.
    """
    volumes = read(path, progress=progress, lazy=lazy, lazy_above=lazy_above)
    if len(volumes) == 1:
        return volumes[0]
    listed = [
        f"[{n}] {volume.name} ({format_size(volume.shape, volume.slice_axis)})"
        for n, volume in enumerate(volumes[:MAX_LISTED_VOLUMES])
    ]
    if len(volumes) > MAX_LISTED_VOLUMES:
        listed.append(f"and {len(volumes) - MAX_LISTED_VOLUMES} more")
    raise UnreadableFile(
        f"{_name_paths(_to_list(path))}: there are {len(volumes)} volumes, choose one with "
        f"read(path)[n]: {', '.join(listed)}."
    )


def write(
    path: PathLike,
    volume: Volume,
    *,
    compress: bool = False,
    keep_patient: bool = False,
    progress: Progress = no_progress,
) -> WrittenFiles:
    """Write a volume with its true geometry.

    A file appears only when all of it is written: whatever goes wrong, what was there before is
    unchanged.

    Parameters
    ----------
    path : path
        Its suffix determines the format: ``.mhd`` (with a ``.raw`` or ``.zraw`` file next to it),
        ``.mha``, ``.nii``, ``.nii.gz``, ``.nrrd`` or ``.dcm``. With ``.dcm``, a single image
        becomes that file, and several images a folder of this name without the suffix. A path
        that ends in a separator, or is a folder, becomes a folder of DICOM images. Such a folder
        must be new or empty.
    volume : Volume
        What to write, with the geometry that it has: see ``Geometry`` for the order of axes, unit
        and frame. A lazy volume is read piece by piece, never as a whole.
    compress : bool
        Whether to compress the data without loss, for suffixes that allow both.
    keep_patient : bool
        Whether to copy what identifies the patient from the source into the file. DICOM images
        then belong to the patient's study, otherwise to a new one of nobody.
    progress : Progress
        Wraps the loops, to report progress and to cancel: see ``core.progress.Progress``.

    Returns
    -------
    WrittenFiles
        The paths written, the one to open first, and sentences about what was changed.

    Raises
    ------
    CannotWrite
        If the suffix is none of these, the format cannot hold the volume, or the file system
        refuses.
    UnreadableFile
        If the volume is lazy and its files can no longer be read.
    Cancelled
        If ``progress`` raises it.
    """
    target = Path(path)
    as_folder = os.fspath(path).endswith(("/", os.sep)) or target.is_dir()
    suffix = find_format_suffix(target)
    if as_folder or suffix == DICOM_WRITE_SUFFIX:
        from napari_medread.dicom.writing.dicom_writer import write as write_dicom

        return write_dicom(
            target,
            volume,
            as_folder=as_folder,
            compress=compress,
            keep_patient=keep_patient,
            progress=progress,
        )
    if suffix is None:
        raise CannotWrite(
            f"{target.name}: the suffix of this name is no format that can be written. Choose a "
            f"name that ends in {', '.join(WRITABLE_SUFFIXES[:-1])} or {WRITABLE_SUFFIXES[-1]}."
        )
    return import_writer(suffix)(
        target, volume, compress=compress, keep_patient=keep_patient, progress=progress
    )


def find_format_suffix(path: PathLike) -> str | None:
    """Return the suffix that determines the format to write, one of ``WRITABLE_SUFFIXES``.

    It is in lower case; None if the name has none of them.
    """
    target = Path(path)
    if target.suffix.lower() == DICOM_WRITE_SUFFIX:
        return DICOM_WRITE_SUFFIX
    return find_write_suffix(target)


def is_readable(path: PathLike) -> bool:
    """Return whether a path looks readable, without reading more than the start of files.

    A folder is readable if it contains one readable file. If there is none among its first
    ``MAX_PROBED_FILES`` files, a larger folder is assumed to be readable too.
    """
    if is_standard_picture(path):
        return True
    if not os.fspath(path):
        return False
    place = Path(path)
    try:
        if not place.is_dir():
            return place.is_file() and (
                find_format(place) is not None
                or place.suffix.lower() in DICOM_SUFFIXES
                or is_dicom(place)
            )
    except OSError:
        return False
    for n, file in enumerate(walk_files(place)):
        if find_format(file) or n >= MAX_PROBED_FILES or is_dicom(file):
            return True
    return False


def is_standard_picture(path: PathLike) -> bool:
    """Return whether a path names one of imageio's standard pictures, and no existing file."""
    return str(path).startswith(IMAGEIO_SCHEME) and not Path(path).exists()


def find_files(paths: Sequence[PathLike]) -> FoundFiles:
    """Return the files at paths: those in folders, and those a DICOMDIR references.

    A DICOMDIR among other paths is ignored, as the files it references are usually among them.

    Raises
    ------
    UnreadableFile
        If there is nothing at one of the paths, or a DICOMDIR cannot be parsed.
    """
    found = FoundFiles([], [], [])
    found.files.extend(iterate_files(paths, found))
    return found


def iterate_files(paths: Sequence[PathLike], found: FoundFiles) -> Iterator[Path]:
    """Yield the files at paths as ``find_files`` returns them, as they are found.

    Parameters
    ----------
    paths : sequence of paths
    found : FoundFiles
        Pictures in folders, and sentences, are added to it; the files that are yielded are not.

    Raises
    ------
    UnreadableFile
        As for ``find_files``.
    """
    for path in map(Path, paths):
        kind = get_path_kind(path)
        if kind == "folder":
            errors: list[OSError] = []
            for file in walk_files(path, errors.append):
                if _is_picture(file):
                    found.pictures.append(file)
                else:
                    yield file
            found.skipped.extend(
                f"{Path(error.filename).name}: the folder cannot be opened ({error.strerror})."
                for error in errors
            )
        elif (len(paths) == 1 or is_ignored_file(path)) and is_dicomdir(path):
            referenced, missing = find_referenced_files(path)
            yield from referenced
            found.skipped.extend(missing)
        elif kind:
            yield path
        else:
            raise UnreadableFile(f"{path.name}: there is no such file or folder.")


def split_by_format(files: Sequence[Path]) -> tuple[list[tuple[Path, FileFormat]], list[Path]]:
    """Split files into those of a format that their suffix names, and those that may be DICOM.

    Returns
    -------
    with_format : list of (Path, FileFormat)
        Files of formats other than DICOM.
    others : list of Path
        All other files, including DICOM files whose suffix is that of another format.
    """
    with_format: list[tuple[Path, FileFormat]] = []
    others: list[Path] = []
    for file in files:
        file_format = find_format(file)
        # Content decides. Files without a known suffix are opened later anyway.
        if file_format and not is_dicom(file):
            with_format.append((file, file_format))
        else:
            others.append(file)
    return with_format, others


def _read_paths(
    paths: Sequence[PathLike], progress: Progress, lazy: bool | None, lazy_above: int | None
) -> DicomContents:
    """Return what is at paths; pictures in folders only if there is nothing else."""
    standard_pictures = [str(each) for each in paths if is_standard_picture(each)]
    volumes = [v for uri in standard_pictures for v in _read_standard_picture(uri)]
    files, pictures, skipped = find_files([p for p in paths if not is_standard_picture(p)])
    contents = _read_files(files, progress, lazy, lazy_above)
    skipped += contents.skipped
    if not (contents.volumes or contents.contours):
        contents = _read_files(pictures, progress, lazy, lazy_above)
        skipped += contents.skipped
    contents.volumes[:0] = volumes
    contents.skipped = skipped
    return contents


def _make_nothing_read(paths: Sequence[PathLike], skipped: Sequence[str]) -> UnreadableFile:
    """Return the error for paths at which nothing can be read."""
    if skipped:
        return UnreadableFile(_join_problems(skipped))
    return UnreadableFile(f"{_name_paths(paths)}: {NO_READABLE_IMAGE}")


def _describe_lines(contours: ContourSet) -> str:
    """Return the sentence on contours that are no volume."""
    name = contours.source[0].name if contours.source else contours.name
    if contours.kind != "closed":
        return f"{name}: its {contours.kind_in_words} are no volume; read_contours() returns them."
    return (
        f"{name}: the contours were drawn on {contours.missing_image}, which is not here: read "
        "both together to get labels, or use read_contours()."
    )


def _read_files(
    files: Sequence[Path], progress: Progress, lazy: bool | None, lazy_above: int | None
) -> DicomContents:
    """Return what files hold, and sentences about the files that were skipped."""
    from napari_medread.dicom.read import read_dicom

    with_format, others = split_by_format(files)
    contents = read_dicom(others, progress, lazy=lazy, lazy_above=lazy_above)
    for file, file_format in progress(with_format, "Reading files"):
        try:
            contents.volumes += file_format.read(file, progress)
        except UnreadableFile as error:
            contents.skipped.append(str(error))
    return contents


def _read_standard_picture(uri: str) -> list[Volume]:
    from napari_medread.formats.pictures.picture_reader import read_standard_picture

    return read_standard_picture(uri)


def _is_picture(file: Path) -> bool:
    """Return whether the suffix of a file is that of a picture."""
    file_format = find_format(file)
    return file_format is not None and not file_format.is_volumetric


def _to_list(path: PathLike | Sequence[PathLike]) -> list[PathLike]:
    return [path] if isinstance(path, str | os.PathLike) else list(path)


def _name_paths(paths: Sequence[PathLike]) -> str:
    """Return the name of a path, or how many paths there are."""
    return Path(paths[0]).name if len(paths) == 1 else f"{len(paths)} paths"


def _join_problems(sentences: Sequence[str]) -> str:
    """Join the first few sentences, and say how many more there are."""
    more = len(sentences) - MAX_LISTED_PROBLEMS
    return " ".join(
        [*sentences[:MAX_LISTED_PROBLEMS], *([f"And {more} more."] if more > 0 else [])]
    )
