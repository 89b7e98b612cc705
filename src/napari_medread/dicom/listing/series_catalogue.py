"""The list of patients, studies, series and volumes in a set of DICOM files.

It is the only place that holds patients' names, so that the user can choose what to open. They are
left out of every ``repr``, and volumes do not hold them.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.dicom.headers.header_scan import read_header
from napari_medread.dicom.listing.described_stacks import DescribedStack
from napari_medread.dicom.objects.segmentation import is_segmentation, read_segmentation
from napari_medread.dicom.volume_building import build_volume

INCOMPLETE_SERIES = "Its folder was not searched to the end: images of this series may be missing."
"""Note on a volume that is read before all files were searched for others of its series."""


@dataclass(eq=False)
class DicomEntry:
    """A volume that can be read.

    It has the same methods as ``FileEntry``.

    Attributes
    ----------
    volume : Volume
        The volume, whose slices are read on demand.
    is_complete : bool
        Whether all files were searched for images of its series.
    """

    volume: Volume
    _stack: DescribedStack = field(repr=False)
    is_complete: bool = True

    @property
    def name(self) -> str:
        """The name of the volume."""
        return self.volume.name

    @property
    def source(self) -> tuple[Path, ...]:
        """Its files."""
        return self.volume.source

    def preview(self) -> list[Volume]:
        """Return the volume, for its properties and a thumbnail, without reading its voxels."""
        return [self.volume]

    def read(self, progress: Progress = no_progress, lazy_above: int | None = None) -> list[Volume]:
        """Read the volume, into memory unless it would take much of the free memory.

        A segmentation becomes as many volumes as its overlapping segments need.

        Parameters
        ----------
        progress : Progress
            Reports progress, and may cancel.
        lazy_above : int or None
            Number of bytes above which slices are read on demand; None: a share of the free
            memory.

        Raises
        ------
        UnreadableFile
            If it cannot be decoded, or its files no longer exist.
        """
        stack = self._stack.load()
        header = stack.all_frames[0].header
        if is_segmentation(header):
            # Its frames are described by elements that sorting has converted already.
            header = read_header(header.path) or header
            volumes = read_segmentation(header, progress=progress)
        else:
            volumes = [build_volume(stack, progress, lazy_above=lazy_above)]
        if len(volumes) == 1:
            volumes[0].name = self.name
        if not self.is_complete:
            for volume in volumes:
                volume.notes = (*volume.notes, INCOMPLETE_SERIES)
        return volumes


@dataclass(eq=False)
class DicomSeries:
    """The volumes that share a SeriesInstanceUID.

    Attributes
    ----------
    name : str
        Series number and description.
    entries : list of DicomEntry
        At least one; none while files are being searched and the series is not described yet.
    modality : str
        Modality of its first file.
    file_count : int
        Number of its files, those that are read twice included.
    key : hashable
        What its files share: SeriesInstanceUID, or the folder where that is absent.
    """

    name: str
    entries: list[DicomEntry] = field(default_factory=list)
    modality: str = ""
    file_count: int = 0
    key: Hashable = field(default=None, repr=False)


@dataclass(eq=False)
class DicomStudy:
    """One examination of a patient.

    Attributes
    ----------
    date : str
        StudyDate in ISO 8601 form; empty where absent.
    description : str
        StudyDescription; empty where absent or where it contains the patient's name or ID.
    series : list of DicomSeries
        By series number.
    key : hashable
        StudyInstanceUID, or date and description where that is absent.
    """

    date: str
    description: str
    series: list[DicomSeries] = field(default_factory=list)
    key: Hashable = field(default=None, repr=False)


@dataclass(eq=False)
class DicomPatient:
    """A patient and the studies of that patient.

    Attributes
    ----------
    name : str
        PatientName, the family name first; may be empty.
    patient_id : str
        PatientID; may be empty.
    studies : list of DicomStudy
        The latest first.
    """

    name: str = field(repr=False)
    patient_id: str = field(repr=False)
    studies: list[DicomStudy] = field(default_factory=list)

    @property
    def key(self) -> Hashable:
        """Name and ID: two hospitals may have given the same ID to two patients."""
        return self.patient_id.casefold(), self.name.casefold()
