"""Paths to headers: which files are DICOM images, and what they say, without their pixels."""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
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
from napari_medread.dicom.headers.private_attributes import PRIVATE_TAGS
from napari_medread.errors import UnreadableFile

# What the reading needs. Anything else stays in the file: less to parse, and no
# patient data in memory. The name and ID are read to keep them out of layer names, and for
# the catalogue, as the study's date and description are.
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
    "EchoNumbers", "EchoTime", "SequenceName", "ConvolutionKernel", "ComplexImageComponent",
    "TemporalPositionIdentifier", "TriggerTime", "FrameReferenceTime",
    "DiffusionBValue", "DiffusionGradientOrientation",
    "NumberOfFrames", "FrameTime", "FrameTimeVector",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "DimensionIndexSequence",
    "GridFrameOffsetVector", "DoseGridScaling", "DoseUnits",
    "DetectorInformationSequence", "SliceVector", "EnergyWindowVector", "DetectorVector",
    "PhaseVector", "RotationVector", "RRIntervalVector", "TimeSlotVector", "AngularViewVector",
    "TimeSliceVector",
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit",
    "RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence", "Units",
    "WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction",
    "RedPaletteColorLookupTableDescriptor",
)  # fmt: skip


_WANTED = frozenset(tag for tag in map(tag_for_keyword, _KEYWORDS) if tag) | PRIVATE_TAGS


FRAGMENT_HEADER_BYTES = 8
"""Bytes of tag and length before a fragment of compressed pixels."""


@dataclass(eq=False)
class DicomFileHeader:
    """One DICOM image file without its pixels.

    Attributes
    ----------
    path : Path
        The file.
    dataset : Dataset
        The attributes that reading needs.
    syntax : UID
        The transfer syntax.
    pixels : Pixels or None
        Where the pixels are.
    has_preamble : bool
        Whether the file is a complete one (PS3.10 7.1) and not a bare dataset.
    """

    path: Path
    dataset: Dataset
    syntax: UID
    pixels: PixelLocation | None
    has_preamble: bool = True

    @cached_property
    def rows(self) -> int:
        """Rows, 0 where absent: not an image."""
        return attributes.get_integer(self.dataset, "Rows", 0)

    @cached_property
    def columns(self) -> int:
        """Columns."""
        return attributes.get_integer(self.dataset, "Columns", 0)

    @cached_property
    def samples(self) -> int:
        """SamplesPerPixel: 1 for grey, 3 for colour."""
        return attributes.get_integer(self.dataset, "SamplesPerPixel", 1)

    @cached_property
    def frames(self) -> int:
        """NumberOfFrames, 1 where absent."""
        return max(1, attributes.get_integer(self.dataset, "NumberOfFrames", 1))

    @cached_property
    def bits_allocated(self) -> int:
        """BitsAllocated."""
        return attributes.get_integer(self.dataset, "BitsAllocated", 16)

    @cached_property
    def bits_stored(self) -> int:
        """BitsStored, all of them where absent."""
        return attributes.get_integer(self.dataset, "BitsStored", self.bits_allocated)

    @cached_property
    def photometric(self) -> str:
        """PhotometricInterpretation."""
        return attributes.get_text(self.dataset, "PhotometricInterpretation") or "MONOCHROME2"

    @property
    def frame_bytes(self) -> float:
        """Bytes of one frame that is not compressed; a fraction for odd numbers of bits."""
        # YBR_FULL_422 shares its colour between two pixels (PS3.3 C.7.6.3.1.2).
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples
        return self.rows * self.columns * samples * self.bits_allocated / 8


@dataclass
class HeaderScan:
    """What was found: the headers of images, and what was not.

    Attributes
    ----------
    headers : list of Header
        Of images, in the order of the files.
    skipped : list of str
        For every broken file, and every kind of object that is no image, what and why.
    """

    headers: list[DicomFileHeader] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def scan_headers(paths: Iterable[Path], progress: Progress = no_progress) -> HeaderScan:
    """Read the headers of all DICOM images among ``paths``.

    Files that are not DICOM are passed over. DICOM files that are broken, or are not
    images, are told of as skipped.

    Parameters
    ----------
    paths : iterable of Path
        Files, in any order and of any name.
    progress : Progress
        Reports progress.
    """
    found = HeaderScan()
    broken: list[str] = []
    other: dict[str, int] = {}
    for path in progress(list(paths), "Reading headers"):
        try:
            header = read_header(path)
        except UnreadableFile as error:
            broken.append(str(error))
            continue
        if header is None:
            continue
        if header.rows and header.columns:
            found.headers.append(header)
        else:
            kind = UID(attributes.get_text(header.dataset, "SOPClassUID"), config.IGNORE).name
            what = "has no pixels" if "Image Storage" in kind else "is not an image"
            other[f"{kind} {what}"] = other.get(f"{kind} {what}", 0) + 1
    found.skipped = broken + [
        f"{count} {'file' if count == 1 else 'files'}: {what}." for what, count in other.items()
    ]
    return found


def read_header(path: Path) -> DicomFileHeader | None:
    """Read one file's header without its pixels.

    Returns
    -------
    Header or None
        None where the file is not DICOM and does not claim to be.

    Raises
    ------
    UnreadableFile
        Where it is DICOM, or is named so, and is broken. The message starts with the
        file's name.
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
        found = read_elements(path, _WANTED)
    except TruncatedFile:
        raise UnreadableFile(f"{path.name}: the file ends inside its header.") from None
    except (OSError, zlib.error, struct.error) as error:
        raise UnreadableFile(f"{path.name}: the header is broken ({error}).") from error
    header = DicomFileHeader(path, found.dataset, found.syntax, found.pixels, found.has_preamble)
    if "SOPClassUID" not in found.dataset and not (header.rows and header.columns):
        # Neither an image nor any other object: other bytes that only start alike.
        raise UnreadableFile(f"{path.name}: the file holds no image: it is cut short or broken.")
    if header.rows and header.columns:
        _check_pixels(header)
    return header


def _check_pixels(header: DicomFileHeader) -> None:
    """Raise ``UnreadableFile`` where an image's file ends before all its pixels."""
    name, pixels = header.path.name, header.pixels
    if pixels is None:
        raise UnreadableFile(f"{name}: the file has no pixels.")
    if pixels.length is None:
        # Every frame has a fragment of its own (PS3.5 A.4), and in RLE two bytes make at
        # most 128 (PS3.5 G.3.1). Decoders would make room for whatever is promised.
        least = header.number_of_frames * FRAGMENT_HEADER_BYTES
        if header.transfer_syntax == RLELossless:
            least = max(least, math.ceil(header.frame_bytes * header.number_of_frames / 64))
        if pixels.available <= least:
            raise UnreadableFile(f"{name}: the file ends before its pixels.")
        return
    expected = math.ceil(header.frame_bytes * header.number_of_frames)
    if min(pixels.length, pixels.available) < expected:
        raise UnreadableFile(
            f"{name}: the file holds {min(pixels.length, pixels.available)} bytes of pixels "
            f"where its header promises {expected}."
        )
