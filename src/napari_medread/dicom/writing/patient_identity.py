"""What a volume's source says about the patient, the study and how the images were made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    generate_uid,
)

from napari_medread.core.volume import Volume
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.multiframe_objects import make_frames
from napari_medread.dicom.frames.stored_values import find_stored_range
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.element_reader import TruncatedFile, read_elements
from napari_medread.dicom.headers.file_discovery import is_dicom
from napari_medread.dicom.headers.header_scan import read_header
from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom
from napari_medread.dicom.pixels.modality_values import ModalityTransform
from napari_medread.dicom.writing.quantisation import ValueEncoding
from napari_medread.dicom.writing.slice_layout import SliceGeometry, format_decimal
from napari_medread.errors import CannotWrite, UnreadableFile

_OF_THE_PATIENT = (
    # PS3.3 C.7.1.1 Patient
    "PatientName", "PatientID", "IssuerOfPatientID", "TypeOfPatientID",
    "IssuerOfPatientIDQualifiersSequence", "PatientBirthDate", "PatientBirthTime", "PatientSex",
    "OtherPatientIDs", "OtherPatientIDsSequence", "OtherPatientNames", "EthnicGroup",
    "PatientComments", "PatientSpeciesDescription", "PatientSpeciesCodeSequence",
    "PatientBreedDescription", "PatientBreedCodeSequence", "BreedRegistrationSequence",
    "ResponsiblePerson", "ResponsiblePersonRole", "ResponsibleOrganization",
    "PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence",
    # C.7.2.1 General Study, C.7.2.2 Patient Study
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID",
    "AccessionNumber", "IssuerOfAccessionNumberSequence", "StudyDescription",
    "PhysiciansOfRecord", "NameOfPhysiciansReadingStudy", "ProcedureCodeSequence",
    "AdmittingDiagnosesDescription", "PatientAge", "PatientSize", "PatientWeight",
    "PatientSexNeutered", "Occupation", "AdditionalPatientHistory", "AdmissionID",
    # C.7.3.1 General Series, of the series that the images were made from
    "SeriesNumber", "SeriesDate", "SeriesTime", "SeriesDescription", "ProtocolName",
    "PerformingPhysicianName", "OperatorsName",
    # C.7.4.1 Frame of Reference, C.7.5.1 General Equipment
    "FrameOfReferenceUID", "Manufacturer", "ManufacturerModelName",
    "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName",
    "DeviceSerialNumber", "SoftwareVersions",
)  # fmt: skip
"""What is written only when asked for."""

_TECHNICAL = (
    "Laterality", "BodyPartExamined", "PatientPosition",
    "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)  # fmt: skip
"""What is always written where the source has it: codes and numbers that name nobody."""

_OF_KIND = {
    "CT": ("KVP", "ExposureTime", "XRayTubeCurrent", "Exposure", "FilterType"),
    "MR": (
        "ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType",
        "RepetitionTime", "EchoTime", "EchoTrainLength", "InversionTime", "FlipAngle",
        "MagneticFieldStrength", "ImagingFrequency", "NumberOfAverages", "PixelBandwidth",
        "InPlanePhaseEncodingDirection", "VariableFlipAngleFlag",
    ),
    "PT": (
        "SeriesType", "Units", "CountsSource", "DecayCorrection", "CorrectedImage",
        "CollimatorType", "FrameReferenceTime", "ActualFrameDuration", "DecayFactor",
        "RandomsCorrectionMethod", "ReprojectionMethod",
    ),
    "SC": (),
}  # fmt: skip
"""The same for the modules of each kind of image (PS3.3 C.8.2.1, C.8.3.1, C.8.9)."""

_OF_THE_IMAGE = (
    "SpecificCharacterSet", "Modality", "ImageType", "BurnedInAnnotation", "SliceThickness",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing",
    "NominalScannedPixelSpacing", "PixelSpacingCalibrationType",
)  # fmt: skip
"""What is compared or looked at before anything is said again."""

_ALWAYS = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
    "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
    "SeriesNumber", "Manufacturer",
)  # fmt: skip
"""What must be there, and may be empty (type 2)."""

_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)
"""Transfer syntaxes that always lose something. JPEG 2000's may or may not."""

_SAME_PLACE = 1e-3
"""Positions in mm, directions and sizes that differ by less are those of the source."""

_FEW = 4
"""Lines that are tried on all values. Where every image has its own, no one line fits them."""

DEIDENTIFICATION_METHOD = "napari-medread: all but technical attributes left out"
"""DeidentificationMethod of what is written."""


@dataclass(frozen=True, eq=False)
class SourceHeader:
    """The first of the DICOM files that a volume was read from.

    Attributes
    ----------
    dataset : Dataset
        What may be said again; empty where there is no such file.
    lossy : bool
        Whether the pixels have been through a compression that loses something.
    """

    dataset: Dataset
    lossy: bool = False

    def lies_at(self, place: SliceGeometry) -> bool:
        """Tell whether the file's image is one of a volume's slices, as it was cut then."""
        spacing = attributes.get_numbers(self.dataset, "PixelSpacing", 2)
        position = attributes.get_numbers(self.dataset, "ImagePositionPatient", 3)
        orientation = attributes.get_numbers(self.dataset, "ImageOrientationPatient", 6)
        if not (spacing and position and orientation):
            return False
        return (
            np.allclose(spacing, place.pixel_spacing, atol=_SAME_PLACE)
            and np.allclose(orientation, place.orientation.ravel(), atol=_SAME_PLACE)
            and bool(np.abs(place.positions - position).max(axis=1).min() < _SAME_PLACE)
        )


def read_source_header(volume: Volume, *, keep_patient: bool) -> SourceHeader:
    """Read what the volume's source says that may be written again.

    Parameters
    ----------
    volume : Volume
        Its first source file is read.
    keep_patient : bool
        Whether the patient and the study are read too, which else do not get into memory.

    Raises
    ------
    CannotWrite
        Where they are asked for and cannot be had.
    """
    path = volume.source[0] if volume.source else None
    wanted = {*_TECHNICAL, *_OF_THE_IMAGE, *(k for of_kind in _OF_KIND.values() for k in of_kind)}
    if keep_patient:
        wanted |= set(_OF_THE_PATIENT)
    if path is not None and is_dicom(path):
        try:
            found = read_elements(path, _tags(wanted))
        except (TruncatedFile, OSError):
            pass
        else:
            return SourceHeader(found.dataset, _is_lossy(found.dataset, found.transfer_syntax))
    if keep_patient:
        why = "it was not read from DICOM files"
        if path is not None and not path.exists():
            why = f"{path.name}, from which it was read, is no longer there"
        raise CannotWrite(
            f"{volume.name}: the patient's data cannot be kept, as {why}. Write it without them."
        )
    return SourceHeader(Dataset(), path is not None and path.suffix.lower() in (".jpg", ".jpeg"))


def _tags(keywords: Iterable[str]) -> frozenset[int]:
    return frozenset(tag for tag in map(tag_for_keyword, keywords) if tag)


def _is_lossy(dataset: Dataset, syntax: UID) -> bool:
    said = attributes.get_text(dataset, "LossyImageCompression")
    return said == "01" or syntax in _LOSSY or (syntax in (JPEG2000, HTJ2K) and said != "00")


def find_source_encodings(volume: Volume) -> list[ValueEncoding]:
    """Return the few lines by which the images of the source's first file store their values."""
    try:
        header = read_header(volume.source[0]) if volume.source else None
        if header is None or not header.rows:
            return []
        lines = dict.fromkeys(filter(None, map(_line_of, make_frames(header))))
    except UnreadableFile:
        return []
    return list(lines) if len(lines) <= _FEW else []


def _line_of(frame: Frame) -> ValueEncoding | None:
    """Return how a frame stores its values, if that is a line and 16 bits hold them."""
    mapping = ModalityTransform.from_frame(frame)
    low, high = find_stored_range(frame)
    dtype = np.dtype("<i2" if low < 0 else "<u2")
    limits = np.iinfo(dtype)
    if mapping.table_dataset is not None or low < limits.min or high > limits.max:
        return None
    return ValueEncoding(dtype, format_decimal(mapping.slope), format_decimal(mapping.intercept))


def add_identity(
    dataset: Dataset, source: SourceHeader, kind: str, *, keep_patient: bool
) -> list[str]:
    """Put in who and what the images show: as little as is legal, or all that the source says.

    Parameters
    ----------
    dataset : Dataset
        What the images have in common.
    source : Source
        Where it is from.
    kind : str
        The kind of image.
    keep_patient : bool
        Whether the patient and the study are said.

    Returns
    -------
    list of str
        What was asked for and cannot be read.
    """
    for keyword in _ALWAYS:
        setattr(dataset, keyword, "")
    dataset.StudyInstanceUID = generate_uid(prefix=None)
    dataset.FrameOfReferenceUID = generate_uid(prefix=None)
    keywords = [*_TECHNICAL]
    if kind in ("SC", attributes.get_text(source.dataset, "Modality")):
        keywords += _OF_KIND[kind]
    if keep_patient:
        keywords += _OF_THE_PATIENT
    broken = [each for each in keywords if not _copy(dataset, source.dataset, each)]
    if source.lossy:
        dataset.LossyImageCompression = "01"
    return [f"{keyword} of the source is broken and was left out." for keyword in broken]


def _copy(dataset: Dataset, source: Dataset, keyword: str) -> bool:
    """Copy an attribute that has a value; tell whether it could be read."""
    if keyword not in source:
        return True
    value = attributes.get_value(source, keyword)
    if value is None:
        # An empty number is None too.
        return not source.get_item(keyword).value
    if value != "" and value != []:
        with tolerant_pydicom:  # as malformed as it may be
            dataset.add(source[keyword])
    return True
