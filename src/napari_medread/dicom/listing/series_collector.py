"""Files to series, one file after the other, and series to the list of what can be read."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from napari_medread.core.progress import Progress, no_progress
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.volume_names import make_volume_name
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import DicomFileHeader, ImageHeaderReader
from napari_medread.dicom.listing.described_stacks import DescribedStack, RecentStacks
from napari_medread.dicom.listing.packed_headers import PackedHeaders
from napari_medread.dicom.listing.patient_index import SeriesOwner, arrange_series, find_owner
from napari_medread.dicom.listing.series_catalogue import DicomEntry, DicomPatient, DicomSeries
from napari_medread.dicom.objects.segmentation import is_segmentation
from napari_medread.dicom.sorting.series_splitting import find_series_key
from napari_medread.dicom.volume_building import build_volume, make_names_unique
from napari_medread.errors import UnreadableFile


@dataclass(eq=False)
class CollectedSeries:
    """The files of one series that were found so far, and what is known of them.

    Attributes
    ----------
    key : hashable
        What its files share.
    owner : SeriesOwner
        By its first file.
    series : DicomSeries
        What is listed. It has no entries while there are files that were not described yet.
    headers : PackedHeaders
        Of its files.
    problems : list of str
        Sentences about the stacks that cannot be read.
    is_scattered : bool
        Whether files of it were found in another folder after it had been described.
    """

    key: Hashable
    owner: SeriesOwner
    series: DicomSeries
    headers: PackedHeaders = field(default_factory=PackedHeaders)
    problems: list[str] = field(default_factory=list)
    is_scattered: bool = False


class SeriesCollector:
    """Sorts files into series as they come, and describes series once their files are known.

    The files of a series mostly lie in one folder, so a series is described when the next folder
    begins. If more of its files follow, it is described anew when all files are known.

    Attributes
    ----------
    waiting : dict of CollectedSeries to None
        The series with files that were not described yet, in the order of their last change.
    waiting_count : int
        Number of their files.
    """

    def __init__(self) -> None:
        self.waiting: dict[CollectedSeries, None] = {}
        self.waiting_count = 0
        self._reader = ImageHeaderReader()
        self._recent = RecentStacks()
        self._all: dict[Hashable, CollectedSeries] = {}
        self._folder: Path | None = None

    @property
    def series_count(self) -> int:
        """Number of series so far."""
        return len(self._all)

    def take_finished(self, folder: Path) -> list[CollectedSeries]:
        """Return the series to describe before the first file of a folder is added."""
        if folder == self._folder:
            return []
        self._folder = folder
        return [each for each in self.waiting if not each.is_scattered]

    def add(self, path: Path) -> None:
        """Read the header of a file and add it to its series. Files without an image are noted."""
        header = self._reader.read(path)
        if header is None:
            return
        key = find_series_key(header)
        found = self._all.get(key)
        if found is None:
            # Packed first: asking for values converts them.
            headers = PackedHeaders()
            headers.append(header)
            found = self._all[key] = _start_series(key, header, headers)
        else:
            found.headers.append(header)
        if found not in self.waiting:
            if found.series.file_count:
                found.is_scattered = True
                self.waiting_count += found.series.file_count
            found.series.entries, found.problems = [], []
            self.waiting[found] = None
        self.waiting_count += 1
        found.series.file_count += 1

    def describe(self, found: CollectedSeries) -> None:
        """Sort the files of a series into volumes, without reading voxels."""
        count = len(found.headers)
        entries: list[DicomEntry] = []
        problems: list[str] = []
        objects: set[Path] = set()
        for index, stack in enumerate(self._recent.get(found.headers, count, found.key)):
            header = stack.all_frames[0].header
            if is_segmentation(header):
                # All stacks of a segmentation are read together, see ``DicomEntry.read``.
                if header.path in objects:
                    continue
                objects.add(header.path)
            described = DescribedStack(found.headers, count, found.key, index, self._recent)
            try:
                volume = build_volume(stack, lazy=True)
            except UnreadableFile as error:
                problems.append(str(error))
                continue
            if header.path in objects:
                volume.name = make_volume_name(Frame(header, header.dataset), "", 1)
            described.forget_frames(volume)
            if not entries:
                found.series.name = volume.name.removesuffix(f" ({stack.label})")
            entries.append(DicomEntry(volume, described, is_complete=False))
        found.series.entries, found.problems = entries, problems
        self.waiting_count -= count
        del self.waiting[found]

    def list_so_far(self) -> list[DicomPatient]:
        """Return what is known: described series with their volumes, others without."""
        return arrange_series(
            (each.owner, each.series)
            for each in self._all.values()
            if each.series.entries or each in self.waiting
        )

    def finish(self) -> tuple[list[DicomPatient], list[str]]:
        """Return the complete list, and sentences about what cannot be read.

        All series must have been described.
        """
        described = [each for each in self._all.values() if each.series.entries]
        patients = arrange_series((each.owner, each.series) for each in described)
        for study in (study for patient in patients for study in patient.studies):
            entries = [entry for series in study.series for entry in series.entries]
            make_names_unique([entry.volume for entry in entries])
            for entry in entries:
                entry.is_complete = True
        problems = [sentence for each in self._all.values() for sentence in each.problems]
        return patients, [*self._reader.skipped, *problems]


def list_patients(
    paths: Iterable[Path], progress: Progress = no_progress
) -> tuple[list[DicomPatient], list[str]]:
    """List DICOM files by patient, study, series and volume.

    Parameters
    ----------
    paths : iterable of Path
        Files, in any order and with any name. Files that are not DICOM are ignored.
    progress : Progress
        Reports progress, and may cancel.

    Returns
    -------
    patients : list of DicomPatient
        By name.
    skipped : list of str
        One sentence for every DICOM file or stack that cannot be read.
    """
    collector = SeriesCollector()
    for path in progress(list(paths), "Reading headers"):
        for series in collector.take_finished(path.parent):
            collector.describe(series)
        collector.add(path)
    for series in progress(list(collector.waiting), "Sorting series"):
        collector.describe(series)
    return collector.finish()


def _start_series(
    key: Hashable, header: DicomFileHeader, headers: PackedHeaders
) -> CollectedSeries:
    """Return the series of a first file, named by it for the time being."""
    dataset = header.dataset
    name = make_volume_name(Frame(header, dataset), "", 2)
    series = DicomSeries(name, modality=attributes.get_text(dataset, "Modality"), key=key)
    return CollectedSeries(key, find_owner(dataset), series, headers)
