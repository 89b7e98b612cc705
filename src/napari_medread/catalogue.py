"""What there is to read at a path: DICOM by patients, studies and series, and other files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medread.api import PathLike, find_files, split_by_format
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.dicom.series_catalogue import DicomPatient, list_patients
from napari_medread.formats.registry import find_format, strip_format_suffix


@dataclass(eq=False)
class FileEntry:
    """A file that is not DICOM and holds volumes.

    Attributes
    ----------
    path : Path
        The file.
    """

    path: Path

    @property
    def name(self) -> str:
        """What its volume is called."""
        return strip_format_suffix(self.path)

    @property
    def source(self) -> tuple[Path, ...]:
        """Its files, as far as they are known without reading it."""
        return (self.path,)

    def preview(self) -> list[Volume]:
        """Return what describes its volumes. Most formats are read whole for it."""
        return self.read()

    def read(self, progress: Progress = no_progress, lazy_above: int | None = None) -> list[Volume]:
        """Read its volumes. How large they are does not matter: their format says how.

        Raises
        ------
        UnreadableFile
            Where they cannot be.
        """
        del lazy_above
        name = format_of(self.path) or ""
        return reader_of(name)(self.path, progress)


@dataclass(eq=False)
class Catalogue:
    """What there is to read at a path.

    Attributes
    ----------
    patients : list of Patient
        Those of DICOM files, with their studies, series and volumes.
    files : list of FileEntry
        Files of other formats, by name.
    skipped : list of str
        What cannot be read, and why.
    """

    patients: list[DicomPatient]
    files: list[FileEntry]
    skipped: list[str]


def browse(path: PathLike, *, progress: Progress = no_progress) -> Catalogue:
    """List what ``read`` would find at a path, without reading pixels.

    Parameters
    ----------
    path : path
        A folder, with all below it; a DICOMDIR; or a file.
    progress : Progress
        Reports progress, and may stop it.

    Raises
    ------
    UnreadableFile
        Where there is no such path, or it is a DICOMDIR that cannot be parsed.
    """
    files, pictures, skipped = find_files([path])
    named, others = split_by_format(files)
    patients, more = list_patients(others, progress)
    skipped += more
    if not (patients or named):
        named, others = split_by_format(pictures)
        patients, more = list_patients(others, progress)
        skipped += more
    return Catalogue(patients, [FileEntry(file) for file, _ in named], skipped)
