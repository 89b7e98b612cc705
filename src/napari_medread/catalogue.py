"""Listing what there is to read at a path, without reading voxels.

DICOM files are listed by patient, study and series, other files one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medread.api import PathLike, find_files, split_by_format
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.dicom.series_catalogue import DicomPatient, list_patients
from napari_medread.errors import UnreadableFile
from napari_medread.formats.registry import find_format, strip_format_suffix


@dataclass(eq=False)
class FileEntry:
    """A file of a format other than DICOM.

    It has the same methods as ``DicomEntry``.

    Attributes
    ----------
    path : Path
        The file.
    """

    path: Path

    @property
    def name(self) -> str:
        """The name that its volume will have."""
        return strip_format_suffix(self.path)

    @property
    def source(self) -> tuple[Path, ...]:
        """Its files, as far as they are known without reading it."""
        return (self.path,)

    def preview(self) -> list[Volume]:
        """Return its volumes, for their properties and a thumbnail.

        Most formats read the whole file for this.

        Raises
        ------
        UnreadableFile
            If the file cannot be read.
        """
        return self.read()

    def read(self, progress: Progress = no_progress, lazy_above: int | None = None) -> list[Volume]:
        """Read its volumes.

        Parameters
        ----------
        progress : Progress
            Wraps the loops, to report progress and to cancel: see ``core.progress.Progress``.
        lazy_above : int or None
            Not used: the format determines whether data are read on demand.

        Raises
        ------
        UnreadableFile
            If the file cannot be read.
        Cancelled
            If ``progress`` raises it.
        """
        del lazy_above
        file_format = find_format(self.path)
        if file_format is None:
            raise UnreadableFile(
                f"{self.path.name}: this suffix belongs to no format that can be read."
            )
        return file_format.import_reader()(self.path, progress)


@dataclass(eq=False)
class Catalogue:
    """What there is to read at a path.

    Attributes
    ----------
    patients : list of DicomPatient
        The DICOM files, by patient. Each has ``studies``, each study has ``series``, and each
        series has ``entries``: one ``DicomEntry`` for each volume.
    files : list of FileEntry
        Files of other formats, by name.
    skipped : list of str
        Sentences about the files that cannot be read.
    """

    patients: list[DicomPatient]
    files: list[FileEntry]
    skipped: list[str]


def browse(path: PathLike, *, progress: Progress = no_progress) -> Catalogue:
    """List what ``read`` would find at a path, without reading voxels.

    Parameters
    ----------
    path : path
        A folder, including its subfolders; a DICOMDIR; or a file.
    progress : Progress
        Wraps the loops, to report progress and to cancel: see ``core.progress.Progress``.

    Returns
    -------
    Catalogue
        Its entries have ``preview()`` and ``read()``. Pictures are listed only if there is
        nothing else.

    Raises
    ------
    UnreadableFile
        If there is nothing at the path, or a DICOMDIR cannot be parsed.
    Cancelled
        If ``progress`` raises it.
    """
    files, pictures, skipped = find_files([path])
    with_format, others = split_by_format(files)
    patients, problems = list_patients(others, progress)
    skipped += problems
    if not (patients or with_format):
        with_format, others = split_by_format(pictures)
        patients, problems = list_patients(others, progress)
        skipped += problems
    return Catalogue(patients, [FileEntry(file) for file, _ in with_format], skipped)
