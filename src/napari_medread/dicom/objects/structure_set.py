"""RT structure sets: regions of interest drawn as contours (PS3.3 C.8.8.5 and C.8.8.6).

Closed contours become label images on the grid of the image that they were drawn on. Points, open
contours, and all contours of a structure set whose image is not there, stay contours.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import config
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID

from napari_medread.core.segments import RGB, clean_name
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.element_reader import TruncatedFile, read_elements
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.headers.patient_words import has_patient_identifier
from napari_medread.errors import UnreadableFile

Float = NDArray[np.float64]

STRUCTURE_SET_UID = "1.2.840.10008.5.1.4.1.1.481.3"
"""SOP class of RT Structure Set Storage."""

CLOSED_KINDS = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR")
"""ContourGeometricType of contours that enclose an area. The second is the standard's term."""

_UNNAMED_SERIES = "a series that the file does not name"

OPEN_KINDS = ("OPEN_PLANAR", "OPEN_NONPLANAR")
"""ContourGeometricType of contours that enclose nothing."""

_CONTOUR_DATA = BaseTag(0x30060050)

_WANTED_TAGS = frozenset(
    tag_for_keyword(keyword) or 0
    for keyword in (
        "SpecificCharacterSet", "ReferencedFrameOfReferenceSequence", "StructureSetROISequence",
        "ROIContourSequence", "RTROIObservationsSequence",
    )
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Contour:
    """One contour of a region of interest.

    Attributes
    ----------
    kind : str
        ContourGeometricType: ``CLOSED_PLANAR``, ``OPEN_PLANAR``, ``POINT``, ...
    points : (n, 3) array
        ContourData in LPS mm.
    """

    kind: str
    points: Float


@dataclass(eq=False)
class RegionOfInterest:
    """A region of interest of a structure set.

    Attributes
    ----------
    number : int
        ROINumber.
    name : str
        ROIName.
    color : RGB or None
        ROIDisplayColor.
    interpreted_type : str
        RTROIInterpretedType: ``GTV``, ``ORGAN``, ``EXTERNAL``, ...
    frame_of_reference : str
        The FrameOfReferenceUID that its contours are given in.
    contours : list of Contour
        In the order of the file.
    broken_contours : int
        Number of contours that were left out, as their points are no finite triples or too few.
    """

    number: int
    name: str
    color: RGB | None = None
    interpreted_type: str = ""
    frame_of_reference: str = ""
    contours: list[Contour] = field(default_factory=list)
    broken_contours: int = 0


@dataclass(eq=False)
class StructureSet:
    """The content of a structure set.

    Attributes
    ----------
    regions : list of RegionOfInterest
        By number.
    series_uids : list of str
        SeriesInstanceUID of the series that it refers to.
    image_description : str
        The series that it refers to in words, such as ``the CT series of 120 images``.
    hidden_name_count : int
        Number of names that were replaced, as they hold the patient's name or ID.
    """

    regions: list[RegionOfInterest]
    series_uids: list[str]
    image_description: str = _UNNAMED_SERIES
    hidden_name_count: int = 0


def is_structure_set(header: DicomFileHeader) -> bool:
    """Return whether a header is that of a structure set."""
    return attributes.get_text(header.dataset, "SOPClassUID") == STRUCTURE_SET_UID


def parse_structure_set(header: DicomFileHeader) -> StructureSet:
    """Return the content of a structure set.

    Its contours are read here, and not with the header: they take megabytes.

    Raises
    ------
    UnreadableFile
        If the file cannot be read any more.
    """
    try:
        dataset = read_elements(header.path, _WANTED_TAGS).dataset
    except (TruncatedFile, OSError, zlib.error, struct.error) as error:
        raise UnreadableFile(f"{header.path.name}: the structure set cannot be read.") from error
    regions: dict[int, RegionOfInterest] = {}
    hidden_count = 0
    for item in attributes.get_items(dataset, "StructureSetROISequence"):
        number = attributes.get_integer(item, "ROINumber", -1)
        name = clean_name(attributes.get_text(item, "ROIName"))
        if has_patient_identifier(name, header.dataset):
            name = ""
            hidden_count += 1
        name = name or f"ROI {number}"
        frame_of_reference = attributes.get_text(item, "ReferencedFrameOfReferenceUID")
        regions[number] = RegionOfInterest(number, name, frame_of_reference=frame_of_reference)
    for item in attributes.get_items(dataset, "RTROIObservationsSequence"):
        region = regions.get(attributes.get_integer(item, "ReferencedROINumber", -1))
        if region is not None:
            region.interpreted_type = attributes.get_text(item, "RTROIInterpretedType")
    for item in attributes.get_items(dataset, "ROIContourSequence"):
        number = attributes.get_integer(item, "ReferencedROINumber", -1)
        region = regions.setdefault(number, RegionOfInterest(number, f"ROI {number}"))
        color = attributes.get_numbers(item, "ROIDisplayColor", 3)
        if color is not None:
            red, green, blue = (float(np.clip(c / 255, 0, 1)) for c in color)
            region.color = (red, green, blue)
        for contour in attributes.get_items(item, "ContourSequence"):
            _add_contour(region, contour)
    return StructureSet(
        [regions[number] for number in sorted(regions)],
        _find_referenced_series(dataset),
        _describe_image(dataset),
        hidden_count,
    )


def _add_contour(region: RegionOfInterest, item: Dataset) -> None:
    """Add the contour of an item of ContourSequence to its region."""
    points = _parse_points(item)
    kind = attributes.get_text(item, "ContourGeometricType").upper() or "CLOSED_PLANAR"
    if points is None or (len(points) < 3 and kind in CLOSED_KINDS):
        region.broken_contours += 1
        return
    if kind not in CLOSED_KINDS:
        # A line needs two points, whatever it is called.
        is_point = kind == "POINT" or len(points) == 1
        kind = "POINT" if is_point else "OPEN_PLANAR" if kind not in OPEN_KINDS else kind
    region.contours.append(Contour(kind, points))


def _parse_points(item: Dataset) -> Float | None:
    """Return ContourData as (n, 3); None if it is no finite triples of numbers.

    A structure set holds millions of numbers, for each of which pydicom would make an object.
    """
    element: Any = item.get_item(_CONTOUR_DATA)
    if element is None:
        return None
    value = element.value
    try:
        if isinstance(element, RawDataElement):
            # float() takes bytes, and less time than numpy takes to convert texts.
            texts = (value or b"").strip(b"\0 ").split(b"\\")
            numbers = np.fromiter(map(float, texts), np.float64, len(texts))
        else:
            numbers = np.array(value, np.float64)
    except (ValueError, TypeError):
        return None
    if numbers.ndim != 1 or numbers.size % 3 or not numbers.size or not np.isfinite(numbers).all():
        return None
    return numbers.reshape(-1, 3)


def _find_referenced_series(dataset: Dataset) -> list[str]:
    """Return SeriesInstanceUID of the series that a structure set refers to."""
    return [attributes.get_text(item, "SeriesInstanceUID") for item in _get_series_items(dataset)]


def _describe_image(dataset: Dataset) -> str:
    """Return the first series that a structure set refers to in words, without its UID."""
    for item in _get_series_items(dataset):
        images = attributes.get_items(item, "ContourImageSequence")
        if images:
            sop_class = attributes.get_text(images[0], "ReferencedSOPClassUID")
            kind = UID(sop_class, config.IGNORE).name
            modality = kind.partition(" Image Storage")[0] if "Image Storage" in kind else ""
            count = f"{len(images)} {'image' if len(images) == 1 else 'images'}"
            return f"the {modality.removeprefix('Enhanced ')} series of {count}".replace("  ", " ")
    return _UNNAMED_SERIES


def _get_series_items(dataset: Dataset) -> list[Dataset]:
    return [
        series
        for frame in attributes.get_items(dataset, "ReferencedFrameOfReferenceSequence")
        for study in attributes.get_items(frame, "RTReferencedStudySequence")
        for series in attributes.get_items(study, "RTReferencedSeriesSequence")
    ]
