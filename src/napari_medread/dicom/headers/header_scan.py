"""Reading headers: DICOM files to headers without their pixels, and sentences about the rest."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydicom import config
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import UID, RLELossless

from napari_medread.core.progress import Progress, no_progress
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.element_reader import PixelLocation, TruncatedFile, read_elements
from napari_medread.dicom.headers.file_discovery import (
    DICOM_SUFFIXES,
    check_openable,
    is_dicom,
    make_open_error,
)
from napari_medread.dicom.headers.patient_words import has_patient_identifier
from napari_medread.dicom.headers.private_attributes import PRIVATE_TAGS
from napari_medread.errors import UnreadableFile

# The attributes that reading needs. Everything else stays in the file: there is less to parse,
# and no other patient data in memory. The patient's name and ID are read to keep them out of
# layer names, and for the catalogue, as are the study's date and description.
_KEYWORDS = (
    "SpecificCharacterSet", "ImageType", "FrameType", "SOPClassUID", "SOPInstanceUID", "Modality",
    "Manufacturer", "SeriesDescription", "ProtocolName", "PatientName", "PatientID",
    "AcquisitionTime", "ContentTime", "AcquisitionNumber", "InstanceNumber",
    "StudyInstanceUID", "StudyDate", "StudyDescription", "SeriesInstanceUID", "SeriesNumber",
    "StackID", "ConcatenationUID", "InConcatenationNumber",
    "SliceThickness", "SpacingBetweenSlices", "SliceLocation",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing",
    "NominalScannedPixelSpacing", "PixelAspectRatio", "PixelSpacingCalibrationType",
    "EstimatedRadiographicMagnificationFactor", "SequenceOfUltrasoundRegions",
    "EchoNumbers", "EchoTime", "SequenceName", "ComplexImageComponent",
    "ConvolutionKernel", "BodyPartExamined",
    "TemporalPositionIdentifier", "TriggerTime", "FrameReferenceTime",
    "DiffusionBValue", "DiffusionGradientOrientation",
    "NumberOfFrames", "FrameTime", "FrameTimeVector",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "DimensionIndexSequence",
    "GridFrameOffsetVector", "DoseGridScaling", "DoseUnits", "SegmentationType",
    "DetectorInformationSequence", "SliceVector", "EnergyWindowVector", "DetectorVector",
    "PhaseVector", "RotationVector", "RRIntervalVector", "TimeSlotVector", "AngularViewVector",
    "TimeSliceVector",
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit",
    "RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence", "Units",
    "WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction",
    "RedPaletteColorLookupTableDescriptor",
    "FrameOfReferenceUID", "SegmentSequence", "MaximumFractionalValue",
    "ReferencedSeriesSequence", "TotalPixelMatrixColumns",
)  # fmt: skip

_WANTED_TAGS = frozenset(tag for tag in map(tag_for_keyword, _KEYWORDS) if tag) | PRIVATE_TAGS

FRAGMENT_HEADER_BYTES = 8
"""Bytes of tag and length in front of each fragment of compressed pixels (PS3.5 A.4)."""


@dataclass(eq=False)
class DicomFileHeader:
    """The header of one DICOM file, without its pixels.

    Attributes
    ----------
    path : Path
        The file.
    dataset : Dataset
        The attributes that reading needs.
    transfer_syntax : UID
        The transfer syntax of the dataset.
    pixels : PixelLocation or None
        Where the pixels are in the file; None where it has none.
    has_preamble : bool
        Whether the file has preamble and meta information (PS3.10 7.1), and is not a bare dataset.
    """

    path: Path
    dataset: Dataset
    transfer_syntax: UID
    pixels: PixelLocation | None
    has_preamble: bool = True

    @cached_property
    def rows(self) -> int:
        """Rows; 0 where absent, as in objects that are not images."""
        return attributes.get_integer(self.dataset, "Rows", 0)

    @cached_property
    def columns(self) -> int:
        """Columns; 0 where absent."""
        return attributes.get_integer(self.dataset, "Columns", 0)

    @cached_property
    def samples_per_pixel(self) -> int:
        """SamplesPerPixel: 1 for grey, 3 for colour; 1 where absent."""
        return attributes.get_integer(self.dataset, "SamplesPerPixel", 1)

    @cached_property
    def number_of_frames(self) -> int:
        """NumberOfFrames, at least 1; 1 where absent."""
        return max(1, attributes.get_integer(self.dataset, "NumberOfFrames", 1))

    @cached_property
    def bits_allocated(self) -> int:
        """BitsAllocated; 16 where absent."""
        return attributes.get_integer(self.dataset, "BitsAllocated", 16)

    @cached_property
    def bits_stored(self) -> int:
        """BitsStored; all allocated bits where absent."""
        return attributes.get_integer(self.dataset, "BitsStored", self.bits_allocated)

    @cached_property
    def photometric_interpretation(self) -> str:
        """PhotometricInterpretation; MONOCHROME2 where absent."""
        return attributes.get_text(self.dataset, "PhotometricInterpretation") or "MONOCHROME2"

    @property
    def frame_bytes(self) -> float:
        """Bytes of one uncompressed frame; a fraction where bits do not fill the last byte."""
        # In YBR_FULL_422 two pixels share their colour samples (PS3.3 C.7.6.3.1.2).
        is_shared = self.photometric_interpretation == "YBR_FULL_422"
        samples = 2 if is_shared else self.samples_per_pixel
        return self.rows * self.columns * samples * self.bits_allocated / 8


@dataclass
class HeaderScan:
    """The result of reading the headers of a set of files.

    Attributes
    ----------
    headers : list of DicomFileHeader
        The headers of the images, in the order of the files, and of other objects that were to be
        kept.
    skipped : list of str
        One sentence for every broken file, and one for every kind of object that is not an image.
    """

    headers: list[DicomFileHeader] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def scan_headers(
    paths: Iterable[Path], progress: Progress = no_progress, kept_uids: Container[str] = ()
) -> HeaderScan:
    """Read the headers of all DICOM images among ``paths``.

    Files that are not DICOM are ignored. DICOM files that are broken or are not images are
    reported in ``skipped``.

    Parameters
    ----------
    paths : iterable of Path
        Files, in any order and with any name.
    progress : Progress
        Reports progress, and may cancel.
    kept_uids : container of str
        SOP classes of objects without pixels whose headers are kept too.
    """
    reader = ImageHeaderReader(kept_uids)
    headers = [reader.read(path) for path in progress(list(paths), "Reading headers")]
    return HeaderScan([header for header in headers if header is not None], reader.skipped)


class ImageHeaderReader:
    """Reads the headers of images, and notes which of the other files are broken or no images.

    Parameters
    ----------
    kept_uids : container of str
        SOP classes of objects without pixels whose headers are returned too.
    """

    def __init__(self, kept_uids: Container[str] = ()) -> None:
        self._kept_uids = kept_uids
        self._broken: list[str] = []
        self._non_images: dict[str, list[str]] = {}

    def read(self, path: Path) -> DicomFileHeader | None:
        """Return the header of an image or of an object to keep; None for any other file."""
        try:
            header = read_header(path)
        except UnreadableFile as error:
            self._broken.append(str(error))
            return None
        if header is None or (header.rows and header.columns):
            return header
        sop_class = attributes.get_text(header.dataset, "SOPClassUID")
        if sop_class in self._kept_uids:
            return header
        kind = UID(sop_class, config.IGNORE).name
        reason = "has no pixels" if "Image Storage" in kind else "is not an image"
        name = "" if has_patient_identifier(path.name, header.dataset) else path.name
        self._non_images.setdefault(f"{kind} {reason}", []).append(name)
        return None

    @property
    def skipped(self) -> list[str]:
        """One sentence for every broken file, and one for every kind of object without an image."""
        return self._broken + [
            f"{_list_names(names)}: {sentence}." for sentence, names in self._non_images.items()
        ]


def _list_names(names: Sequence[str]) -> str:
    """Return the first name that identifies no patient, and how many more files there are."""
    name = next(filter(None, names), "")
    if not name:
        return f"{len(names)} {'file' if len(names) == 1 else 'files'}"
    more = len(names) - 1
    return f"{name} and {more} more {'file' if more == 1 else 'files'}" if more else name


def read_header(path: Path) -> DicomFileHeader | None:
    """Read one file's header without its pixels.

    Returns
    -------
    DicomFileHeader or None
        None if the file is empty, or is not DICOM and has no DICOM suffix.

    Raises
    ------
    UnreadableFile
        If the file cannot be opened, has a DICOM suffix but is not DICOM, or is a broken DICOM
        file. The message starts with the file's name.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise make_open_error(path, error) from error
    if not size:
        return None
    if not is_dicom(path):
        check_openable(path)
        if path.suffix.lower() in DICOM_SUFFIXES:
            raise UnreadableFile(f"{path.name}: this is not a DICOM file.")
        return None
    try:
        elements = read_elements(path, _WANTED_TAGS)
    except TruncatedFile:
        raise UnreadableFile(f"{path.name}: the file ends inside its header.") from None
    except (OSError, zlib.error, struct.error) as error:
        raise UnreadableFile(f"{path.name}: the header is broken ({error}).") from error
    header = DicomFileHeader(
        path, elements.dataset, elements.transfer_syntax, elements.pixels, elements.has_preamble
    )
    if "SOPClassUID" not in elements.dataset and not (header.rows and header.columns):
        # Neither an image nor another DICOM object: other content whose first bytes look alike.
        raise UnreadableFile(f"{path.name}: the file holds no image: it is cut short or broken.")
    if header.rows and header.columns:
        _check_pixels(header)
    return header


def _check_pixels(header: DicomFileHeader) -> None:
    """Raise ``UnreadableFile`` if an image file ends before the end of its pixels."""
    name, pixels = header.path.name, header.pixels
    if pixels is None:
        raise UnreadableFile(f"{name}: the file has no pixels.")
    if pixels.length is None:
        # Every frame has at least one fragment (PS3.5 A.4), and in RLE two bytes decode to at most
        # 128 (PS3.5 G.3.1). Without this check decoders would allocate whatever the header claims.
        minimum = header.number_of_frames * FRAGMENT_HEADER_BYTES
        if header.transfer_syntax == RLELossless:
            minimum = max(minimum, math.ceil(header.frame_bytes * header.number_of_frames / 64))
        if pixels.available <= minimum:
            raise UnreadableFile(f"{name}: the file ends before its pixels.")
        return
    expected = math.ceil(header.frame_bytes * header.number_of_frames)
    present = min(pixels.length, pixels.available)
    if present < expected:
        raise UnreadableFile(
            f"{name}: the file holds {present} bytes of pixels but its header promises {expected}."
        )
