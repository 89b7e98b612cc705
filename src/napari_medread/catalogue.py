"""Listing what there is to read at a path, without reading voxels.

DICOM files are listed by patient, study and series, other files one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from napari_medread.api import FoundFiles, PathLike, iterate_files, split_by_format
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.dicom.listing.file_queue import FileQueue
from napari_medread.dicom.listing.series_catalogue import DicomPatient
from napari_medread.dicom.listing.series_collector import CollectedSeries, SeriesCollector
from napari_medread.errors import UnreadableFile
from napari_medread.formats.registry import find_format, strip_format_suffix

FIRST_PUBLISH_DELAY_S = 0.1
"""Seconds of searching until what was found is published for the first time."""

PUBLISH_INTERVAL_S = 0.4
"""Seconds between two catalogues that are published."""


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
        return file_format.read(self.path, progress)


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
    return CatalogueSearch(path).run(progress)


class CatalogueSearch:
    """A search for what there is to read at a path, which can be followed from another thread.

    Parameters
    ----------
    path : path
        As for ``browse``.
    publish : callable, optional
        Called in the thread of the search, now and then, with the catalogue so far: series whose
        files are still being searched for have no entries. Without it all files are counted before
        the first is read, so that the number of steps is known.

    Attributes
    ----------
    searched_count : int
        Number of files that were searched.
    """

    def __init__(self, path: PathLike, publish: Callable[[Catalogue], None] | None = None) -> None:
        self._found = FoundFiles([], [], [])
        self._queue = FileQueue(iterate_files([path], self._found))
        self._publish = publish
        self._publish_at = monotonic() + FIRST_PUBLISH_DELAY_S
        self._collector = SeriesCollector()
        self._files: list[FileEntry] = []
        self.searched_count = 0

    @property
    def file_count(self) -> int | None:
        """Number of all files; None until it is known."""
        return len(self._queue) if self._queue.is_complete else None

    @property
    def series_count(self) -> int:
        """Number of DICOM series so far."""
        return self._collector.series_count

    @property
    def done_share(self) -> float | None:
        """How much is done, from 0 to 1; None until the number of files is known.

        A file is done by half when its header was read, and when its series was described.
        """
        count = self.file_count
        if count is None:
            return None
        return (self.searched_count - self._collector.waiting_count / 2) / max(count, 1)

    def run(self, progress: Progress = no_progress) -> Catalogue:
        """Search, and return what there is.

        Raises
        ------
        UnreadableFile, Cancelled
            As for ``browse``.
        """
        if self._publish is None:
            self._queue.find_all()
        self._search(self._queue, progress)
        patients, problems = self._collector.finish()
        skipped = [*self._found.skipped, *problems]
        if not (patients or self._files):
            self._collector = SeriesCollector()
            self._search(self._found.pictures, progress)
            patients, problems = self._collector.finish()
            skipped += problems
        return Catalogue(patients, self._files, skipped)

    def _search(self, files: Sequence[Path], progress: Progress) -> None:
        for file in progress(files, "Reading headers"):
            self._describe(self._collector.take_finished(file.parent), progress)
            with_format, others = split_by_format([file])
            self._files += [FileEntry(each) for each, _ in with_format]
            for each in others:
                self._collector.add(each)
            self.searched_count += 1
            self._publish_if_due()
        self._describe(list(self._collector.waiting), progress)

    def _describe(self, series: Sequence[CollectedSeries], progress: Progress) -> None:
        if not series:
            return
        for each in progress(series, "Sorting series"):
            self._collector.describe(each)
            self._publish_if_due()

    def _publish_if_due(self) -> None:
        if self._publish is None or monotonic() < self._publish_at:
            return
        start = monotonic()
        self._publish(Catalogue(self._collector.list_so_far(), list(self._files), []))
        # However long the list: no more than a tenth of the time goes into showing it.
        duration = monotonic() - start
        self._publish_at = monotonic() + max(PUBLISH_INTERVAL_S, 10 * duration)
