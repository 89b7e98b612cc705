"""The kinds of DICOM images that are written: CT, MR, PET and secondary capture."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
)

from napari_medread.core.volume import Volume
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.pixels.modality_values import LABELS_IMAGE_TYPE, UNIT_LABELS
from napari_medread.dicom.writing.slice_layout import SlicedVolume
from napari_medread.dicom.writing.source_header import SourceHeader

SOP_CLASSES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "PT": PositronEmissionTomographyImageStorage,
    "SC": SecondaryCaptureImageStorage,
}
"""SOP class by kind of image."""

_REQUIRED_PET_KEYWORDS = ("SeriesType", "Units", "CountsSource", "DecayCorrection",
                          "FrameReferenceTime", "ActualFrameDuration")  # fmt: skip
"""Attributes that a PET image must have and that only its source has (PS3.3 C.8.9.1, C.8.9.4)."""


def choose_image_kind(volume: Volume, sliced: SlicedVolume, source: SourceHeader) -> str:
    """Return the kind of image to write: ``CT``, ``MR``, ``PT``, or ``SC`` for all else.

    Only grey slices with a patient position are images of a scanner, and labels are not.
    Secondary capture holds whatever there is (PS3.3 A.8.1), with its geometry added.
    """
    if sliced.geometry is None or volume.rgb or volume.labels:
        return "SC"
    if volume.modality == "PT":
        return "PT" if _can_be_pet(volume, source) else "SC"
    return volume.modality if volume.modality in ("CT", "MR") else "SC"


def _can_be_pet(volume: Volume, source: SourceHeader) -> bool:
    """Return whether everything is known that a PET image needs, and it describes the volume."""
    values = {key: attributes.get_text(source.dataset, key) for key in _REQUIRED_PET_KEYWORDS}
    is_corrected = values["DecayCorrection"] != "NONE"
    return (
        all(values.values())
        and not volume.inverted
        and values["SeriesType"].split("\\")[0] != "GATED"
        and values["SeriesType"].split("\\")[1:] == ["IMAGE"]
        and UNIT_LABELS.get(values["Units"], "") == volume.value_unit
        and (not is_corrected or bool(attributes.get_text(source.dataset, "DecayFactor")))
    )


def add_image_kind_modules(
    dataset: Dataset, kind: str, volume: Volume, sliced: SlicedVolume, source: SourceHeader
) -> None:
    """Add the attributes that only one kind of image has.

    Parameters
    ----------
    dataset : Dataset
        The attributes that all images share, with those copied from the source; changed in place.
    kind : str
        From ``choose_image_kind``.
    volume : Volume
        The volume that is written.
    sliced : SlicedVolume
        Its images.
    source : SourceHeader
        The file that the volume was read from.
    """
    if kind == "CT":
        _add_ct(dataset, source)
    elif kind == "MR":
        _add_mr(dataset, volume)
    elif kind == "PT":
        _add_pet(dataset, sliced, source)
    else:
        _add_secondary_capture(dataset, sliced)
        if volume.labels:
            dataset.ImageType = ["DERIVED", "SECONDARY", "OTHER", LABELS_IMAGE_TYPE]


def _add_ct(dataset: Dataset, source: SourceHeader) -> None:
    """CT Image (PS3.3 C.8.2.1)."""
    is_localizer = "LOCALIZER" in attributes.get_text(source.dataset, "ImageType").upper()
    dataset.ImageType = ["DERIVED", "SECONDARY", "LOCALIZER" if is_localizer else "AXIAL"]
    set_if_empty(dataset, "", "KVP", "AcquisitionNumber", "PatientPosition")


def _add_mr(dataset: Dataset, volume: Volume) -> None:
    """MR Image (PS3.3 C.8.3.1); of unknown acquisition in research mode."""
    dataset.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    set_if_empty(dataset, "RM", "ScanningSequence")
    set_if_empty(dataset, "NONE", "SequenceVariant")
    if "IR" not in attributes.get_texts(dataset, "ScanningSequence"):
        dataset.pop("InversionTime", None)
    set_if_empty(dataset, "", "ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime",
                 "EchoTrainLength", "PatientPosition")  # fmt: skip
    if any(axis.label == "trigger time" for axis in volume.leading):
        options = attributes.get_texts(dataset, "ScanOptions")
        if not {"CG", "PPG"} & set(options):
            # TriggerTime is only allowed with cardiac or pulse gating.
            dataset.ScanOptions = [*filter(None, options), "CG"]


def _add_pet(dataset: Dataset, sliced: SlicedVolume, source: SourceHeader) -> None:
    """PET Series, Isotope and Image, NM/PET Patient Orientation (PS3.3 C.8.9, C.8.4.6)."""
    dataset.ImageType = ["DERIVED", "PRIMARY"]  # nothing else is allowed
    dataset.NumberOfSlices = sliced.slice_count
    if attributes.get_text(source.dataset, "SeriesType").startswith("DYNAMIC"):
        dataset.NumberOfTimeSlices = int(np.prod(sliced.data.shape[:-3]))
    # These need a value, and the true one would identify the patient (PS3.15 E.1, action D).
    set_if_empty(dataset, "19000101", "SeriesDate")
    set_if_empty(dataset, "000000", "SeriesTime")
    set_if_empty(
        dataset, "", "AcquisitionDate", "AcquisitionTime", "CorrectedImage", "CollimatorType"
    )
    dataset.pop("PatientPosition", None)  # replaced by these sequences
    dataset.RadiopharmaceuticalInformationSequence = []
    dataset.PatientOrientationCodeSequence = []
    dataset.PatientGantryRelationshipCodeSequence = []


def _add_secondary_capture(dataset: Dataset, sliced: SlicedVolume) -> None:
    """SC Equipment (PS3.3 C.8.6.1)."""
    dataset.ConversionType = "WSD"
    geometry = sliced.geometry
    dataset.PatientOrientation = "" if geometry is None else geometry.patient_orientation


def set_if_empty(dataset: Dataset, value: str, *keywords: str) -> None:
    """Set those of some attributes that have no value."""
    for keyword in keywords:
        if not attributes.get_text(dataset, keyword):
            setattr(dataset, keyword, value)
