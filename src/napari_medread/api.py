"""Read and write medical images without napari."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from napari_medread.core.atomic_files import WrittenFiles
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
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

PathLike = str | os.PathLike[str]

WRITABLE_SUFFIXES = (*WRITE_SUFFIXES, DICOM_WRITE_SUFFIX)
"""Suffixes of what can be written."""

NO_READABLE_IMAGE = "there is no image in it that can be read."
"""What is said of a path, after its name."""

MAX_PROBED_FILES = 20_000
"""So many files of a folder are looked into to see whether any is ours, which takes about half a
second; after that, it may be."""


def read(
    path: PathLike | Sequence[PathLike],
    *,
    progress: Progress = no_progress,
    lazy: bool | None = None,
    lazy_above: int | None = None,
) -> list[Volume]:
    """Read all volumes at a path.

    Parameters
    ----------
    path : path, or sequence of paths
        A file; a folder, with all below it; a DICOMDIR; several of them; or the name of one of
        imageio's standard pictures, as ``imageio:chelsea.png``. DICOM is known by its
        content, other formats by their suffix. DICOM files given together are sorted
        into series together.
    progress : Progress
        Wraps loops, to report progress and to stop.
    lazy : bool or None
        Whether the slices of a DICOM volume are read only when they are looked at, as a dask
        array. None: those of all volumes but the largest, and of that too where it would
        take much of the free memory.
    lazy_above : int or None
        In bytes, with ``lazy=None``: the largest volume is read at once up to this size, as long
        as it fits into half of the free memory. None: up to a quarter of the free memory.

    Returns
    -------
    list of Volume
        DICOM series first, by number, then other files by name. At least one.

    Raises
    ------
    UnreadableFile
        Where there is nothing to read, or nothing that can be read. What can be is
        returned, and names the rest in its notes.
    """
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    standard = [str(each) for each in paths if is_standard_picture(each)]
    volumes = [volume for each in standard for volume in _read_standard_picture(each)]
    files, pictures, skipped = find_files([each for each in paths if not is_standard_picture(each)])
    found, more = _read_files(files, progress, lazy, lazy_above)
    skipped += more
    if not found:  # pictures beside volumes are decoration, as viewers on a CD bring it
        found, more = _read_files(pictures, progress, lazy, lazy_above)
        skipped += more
    volumes += found
    if not volumes:
        if skipped:
            raise UnreadableFile(_join_problems(skipped))
        what = Path(paths[0]).name if len(paths) == 1 else f"{len(paths)} paths"
        raise UnreadableFile(f"{what}: {NO_READABLE_IMAGE}")
    # What was skipped belongs to no volume; the first carries it.
    volumes[0].notes = (*(f"Skipped {each}" for each in skipped), *volumes[0].notes)
    return volumes


def write(
    path: PathLike,
    volume: Volume,
    *,
    compress: bool = False,
    keep_patient: bool = False,
    progress: Progress = no_progress,
) -> WrittenFiles:
    """Write a volume, with its true geometry.

    A file appears when all of it is written, and not before: whatever goes wrong, what was there
    is still there.

    Parameters
    ----------
    path : path
        Its suffix says the format: ``.mhd`` (with a ``.raw`` or ``.zraw`` beside it), ``.mha``,
        ``.nii``, ``.nii.gz``, ``.nrrd`` or ``.dcm``. A single image becomes that ``.dcm`` file,
        several a folder of this name without the suffix. A path that ends in a separator, or is
        a folder, becomes a folder of DICOM images. Such a folder must be new, or empty.
    volume : Volume
        What to write. A lazy one is read piece by piece, and never in memory as a whole.
    compress : bool
        Whether to pack the data without loss, where the suffix leaves the choice.
    keep_patient : bool
        Whether what names the patient in the source goes into the file too. DICOM images then
        belong to the patient's study, and else to nobody's.
    progress : Progress
        Wraps loops, to report progress and to stop.

    Returns
    -------
    Written
        The paths written, the one to open first, and sentences about what was changed.

    Raises
    ------
    CannotWrite
        Where the suffix is none of these, the format cannot hold the volume, or the disk
        cannot take it.
    """
    place = Path(path)
    as_folder = os.fspath(path).endswith(("/", os.sep)) or place.is_dir()
    suffix = find_write_suffix(place)
    if as_folder or suffix == DICOM_WRITE_SUFFIX:
        from napari_medread.dicom.writing.dicom_writer import write as write_dicom

        return write_dicom(
            place,
            volume,
            as_folder=as_folder,
            compress=compress,
            keep_patient=keep_patient,
            progress=progress,
        )
    if suffix is None:
        raise CannotWrite(
            f"{place.name}: this name does not say the format. Choose one that ends in "
            f"{', '.join(WRITABLE_SUFFIXES[:-1])} or {WRITABLE_SUFFIXES[-1]}."
        )
    return import_writer(suffix)(
        place, volume, compress=compress, keep_patient=keep_patient, progress=progress
    )


def find_write_suffix(path: PathLike) -> str | None:
    """Return the suffix of a name that says how to write it, one of ``WRITABLE_SUFFIXES``, or None."""
    place = Path(path)
    if place.suffix.lower() == DICOM_WRITE_SUFFIX:
        return DICOM_WRITE_SUFFIX
    return find_write_suffix(place)


def is_readable(path: PathLike) -> bool:
    """Tell quickly whether a path is worth reading, opening no more than it must.

    A folder is as soon as it holds one file of ours. In a very large one without any
    among the first files, the answer is yes too: reading will tell.
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
    for probed, file in enumerate(walk_files(place)):
        if find_format(file) or probed >= MAX_PROBED_FILES or is_dicom(file):
            return True
    return False


def is_standard_picture(path: PathLike) -> bool:
    """Tell whether a path is the name of one of imageio's pictures, and no file's."""
    return str(path).startswith(IMAGEIO_SCHEME) and not Path(path).exists()


def _is_picture(file: Path) -> bool:
    """Tell whether a file in a folder is a picture by its name."""
    file_format = find_format(file)
    return file_format is not None and not file_format.is_volumetric


MAX_LISTED_PROBLEMS = 3
"""So many sentences on skipped files fit into one error."""


def _join_problems(skipped: Sequence[str]) -> str:
    """Join sentences, the first few of many."""
    more = len(skipped) - MAX_LISTED_PROBLEMS
    return " ".join([*skipped[:MAX_LISTED_PROBLEMS], *([f"And {more} more."] if more > 0 else [])])


def _read_standard_picture(uri: str) -> list[Volume]:
    from napari_medread.formats.pictures.picture_reader import read_standard_picture

    return read_standard_picture(uri)


def find_files(paths: Sequence[PathLike]) -> tuple[list[Path], list[Path], list[str]]:
    """Return the files at paths, the pictures in folders apart, and what is lacking."""
    files: list[Path] = []
    pictures: list[Path] = []
    skipped: list[str] = []
    for place in map(Path, paths):
        kind = get_path_kind(place)
        if kind == "folder":
            closed: list[OSError] = []
            inside = list(walk_files(place, closed.append))
            skipped += [
                f"{Path(each.filename).name}: the folder cannot be opened ({each.strerror})."
                for each in closed
            ]
            files += [f for f in inside if not _is_picture(f)]
            pictures += [f for f in inside if _is_picture(f)]
        elif (len(paths) == 1 or is_ignored_file(place)) and is_dicomdir(place):
            referenced, lacking = find_referenced_files(place)
            files += referenced
            skipped += lacking
        elif kind:
            files.append(place)
        else:
            raise UnreadableFile(f"{place.name}: there is no such file or folder.")
    return files, pictures, skipped


def split_by_format(files: Sequence[Path]) -> tuple[list[tuple[Path, str]], list[Path]]:
    """Return the files that a suffix claims, with their format, and the others."""
    named, others = [], []
    for file in files:
        name = find_format(file)
        # Content decides, but only a suffix of ours needs a look: the rest is looked into anyway.
        if name and not is_dicom(file):
            named.append((file, name))
        else:
            others.append(file)
    return named, others


def _read_files(
    files: Sequence[Path], progress: Progress, lazy: bool | None, lazy_above: int | None
) -> tuple[list[Volume], list[str]]:
    """Read files, those that no suffix claims as DICOM; return volumes and what was skipped."""
    from napari_medread.dicom.read import read_dicom

    named, others = split_by_format(files)
    volumes, skipped = read_dicom(others, progress, lazy=lazy, lazy_above=lazy_above)
    for file, name in progress(named, "Reading files"):
        try:
            volumes += file_format.import_reader()(file, progress)
        except UnreadableFile as error:
            skipped.append(str(error))
    return volumes, skipped
