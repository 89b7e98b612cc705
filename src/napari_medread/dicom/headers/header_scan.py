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
from napari_medread.dicom.headers.element_reader import Pixels, Truncated, read_elements
from napari_medread.dicom.headers.private_attributes import PRIVATE_TAGS
from napari_medread.errors import UnreadableFile

DICOM_SUFFIXES = (".dcm", ".dicom", ".dic", ".ima")
"""Names that promise DICOM. Content decides; a name only makes a broken file worth a note."""

WRITTEN_SUFFIX = DICOM_SUFFIXES[0]
"""That of the files we write."""

_DIRECTORY_FILES = ("dicomdir", "dirfile")

_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")
"""How a dataset without a preamble starts: group 0002 or 0008, in either byte order."""

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


FRAGMENT_HEADER = 8
"""Bytes of tag and length before a fragment of compressed pixels."""


@dataclass(eq=False)
class Header:
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
    pixels: Pixels | None
    has_preamble: bool = True

    @cached_property
    def rows(self) -> int:
        """Rows, 0 where absent: not an image."""
        return attributes.integer(self.dataset, "Rows", 0)

    @cached_property
    def columns(self) -> int:
        """Columns."""
        return attributes.integer(self.dataset, "Columns", 0)

    @cached_property
    def samples(self) -> int:
        """SamplesPerPixel: 1 for grey, 3 for colour."""
        return attributes.integer(self.dataset, "SamplesPerPixel", 1)

    @cached_property
    def frames(self) -> int:
        """NumberOfFrames, 1 where absent."""
        return max(1, attributes.integer(self.dataset, "NumberOfFrames", 1))

    @cached_property
    def bits_allocated(self) -> int:
        """BitsAllocated."""
        return attributes.integer(self.dataset, "BitsAllocated", 16)

    @cached_property
    def bits_stored(self) -> int:
        """BitsStored, all of them where absent."""
        return attributes.integer(self.dataset, "BitsStored", self.bits_allocated)

    @cached_property
    def photometric(self) -> str:
        """PhotometricInterpretation."""
        return attributes.text(self.dataset, "PhotometricInterpretation") or "MONOCHROME2"

    @property
    def frame_bytes(self) -> float:
        """Bytes of one frame that is not compressed; a fraction for odd numbers of bits."""
        # YBR_FULL_422 shares its colour between two pixels (PS3.3 C.7.6.3.1.2).
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples
        return self.rows * self.columns * samples * self.bits_allocated / 8


@dataclass
class Scan:
    """What was found: the headers of images, and what was not.

    Attributes
    ----------
    headers : list of Header
        Of images, in the order of the files.
    skipped : list of str
        For every broken file, and every kind of object that is no image, what and why.
    """

    headers: list[Header] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def is_dicom(path: Path) -> bool:
    """Tell whether a file's first bytes are DICOM's (PS3.10 7.1), or a bare dataset's.

    A bare dataset is only recognised by how it starts; whether it holds an image shows
    when its header is read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError:
        return False
    return start[128:] == b"DICM" or _starts_as_dataset(start)


def refused(path: Path, error: OSError) -> UnreadableFile:
    """Return the error for a file or folder that the system does not let us into."""
    return UnreadableFile(f"{path.name}: cannot be opened ({error.strerror}).")


def kind_of(path: Path) -> str:
    """Return whether a path is a ``"folder"`` or a ``"file"``; empty where there is nothing.

    Raises
    ------
    UnreadableFile
        Where the system does not say.
    """
    try:
        return "folder" if path.is_dir() else "file" if path.exists() else ""
    except OSError as error:
        raise refused(path, error) from error


def check_openable(path: Path) -> None:
    """Raise ``UnreadableFile``, with the system's reason, where a file cannot be opened."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise refused(path, error) from error


def _starts_as_dataset(start: bytes) -> bool:
    """Tell whether bytes begin with a plausible first element of group 0002 or 0008."""
    if len(start) < 12 or start[:2] not in _FIRST_GROUPS:
        return False
    little = start[0] != 0
    element, length = struct.unpack("<HL" if little else ">HL", start[2:8])
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    # In implicit VR the length follows the tag; a real first value is short.
    return element <= 0x00FF and (explicit or length < 1024)


def is_passed_over(path: Path) -> bool:
    """Tell whether a file in a folder is none of ours by its name: hidden, or a DICOMDIR."""
    return path.name.startswith(".") or path.stem.lower() in _DIRECTORY_FILES


def walk(folder: Path, closed: Callable[[OSError], object] | None = None) -> Iterator[Path]:
    """Yield every file below a folder, sorted, each real folder once.

    Links are followed; a link to a folder already seen ends there.

    Parameters
    ----------
    folder : Path
    closed : callable, optional
        Told of each folder that cannot be opened, with what the system says of it.
    """
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, onerror=closed, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root, name)
            if not is_passed_over(path) and _may_be_file(path):
                yield path


def _may_be_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # who reads it will be told why
        return True


def scan(paths: Iterable[Path], progress: Progress = no_progress) -> Scan:
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
    found = Scan()
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
            kind = UID(attributes.text(header.dataset, "SOPClassUID"), config.IGNORE).name
            what = "has no pixels" if "Image Storage" in kind else "is not an image"
            other[f"{kind} {what}"] = other.get(f"{kind} {what}", 0) + 1
    found.skipped = broken + [
        f"{count} {'file' if count == 1 else 'files'}: {what}." for what, count in other.items()
    ]
    return found


def read_header(path: Path) -> Header | None:
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
        raise refused(path, error) from error
    if not size:
        return None
    if not is_dicom(path):
        check_openable(path)
        if path.suffix.lower() in DICOM_SUFFIXES:
            raise UnreadableFile(f"{path.name}: this is not a DICOM file.")
        return None
    try:
        found = read_elements(path, _WANTED)
    except Truncated:
        raise UnreadableFile(f"{path.name}: the file ends inside its header.") from None
    except (OSError, zlib.error, struct.error) as error:
        raise UnreadableFile(f"{path.name}: the header is broken ({error}).") from error
    header = Header(path, found.dataset, found.syntax, found.pixels, found.has_preamble)
    if "SOPClassUID" not in found.dataset and not (header.rows and header.columns):
        # Neither an image nor any other object: other bytes that only start alike.
        raise UnreadableFile(f"{path.name}: the file holds no image: it is cut short or broken.")
    if header.rows and header.columns:
        _check_pixels(header)
    return header


def _check_pixels(header: Header) -> None:
    """Raise ``UnreadableFile`` where an image's file ends before all its pixels."""
    name, pixels = header.path.name, header.pixels
    if pixels is None:
        raise UnreadableFile(f"{name}: the file has no pixels.")
    if pixels.length is None:
        # Every frame has a fragment of its own (PS3.5 A.4), and in RLE two bytes make at
        # most 128 (PS3.5 G.3.1). Decoders would make room for whatever is promised.
        least = header.frames * FRAGMENT_HEADER
        if header.syntax == RLELossless:
            least = max(least, math.ceil(header.frame_bytes * header.frames / 64))
        if pixels.available <= least:
            raise UnreadableFile(f"{name}: the file ends before its pixels.")
        return
    expected = math.ceil(header.frame_bytes * header.frames)
    if min(pixels.length, pixels.available) < expected:
        raise UnreadableFile(
            f"{name}: the file holds {min(pixels.length, pixels.available)} bytes of pixels "
            f"where its header promises {expected}."
        )
