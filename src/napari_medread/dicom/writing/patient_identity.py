"""Patient, study and technical attributes: copied from the source, or left out."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from napari_medread.core.volume import Volume
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom
from napari_medread.dicom.writing.copied_keywords import (
    PATIENT_KEYWORDS,
    REQUIRED_KEYWORDS,
    TECHNICAL_KEYWORDS,
    TECHNICAL_KEYWORDS_BY_KIND,
)
from napari_medread.dicom.writing.slice_layout import SlicedVolume
from napari_medread.dicom.writing.source_header import SourceHeader

DEIDENTIFICATION_METHOD = "napari-medread: all but technical attributes left out"
"""Value of DeidentificationMethod in written files."""


def add_identity(
    dataset: Dataset, source: SourceHeader, kind: str, *, keep_patient: bool
) -> list[str]:
    """Add the attributes of patient, study and equipment: as few as are legal, or the source's.

    Parameters
    ----------
    dataset : Dataset
        The attributes that all images share; changed in place.
    source : SourceHeader
        The file that is copied from.
    kind : str
        The kind of image, from ``choose_image_kind``.
    keep_patient : bool
        Whether patient and study are copied.

    Returns
    -------
    list of str
        A note for every attribute that cannot be read.
    """
    for keyword in REQUIRED_KEYWORDS:
        setattr(dataset, keyword, "")
    dataset.StudyInstanceUID = generate_uid(prefix=None)
    dataset.FrameOfReferenceUID = generate_uid(prefix=None)
    keywords = [*TECHNICAL_KEYWORDS]
    if kind in ("SC", attributes.get_text(source.dataset, "Modality")):
        keywords += TECHNICAL_KEYWORDS_BY_KIND[kind]
    if keep_patient:
        keywords += PATIENT_KEYWORDS
    broken = [keyword for keyword in keywords if not _copy(dataset, source.dataset, keyword)]
    if source.is_lossy:
        dataset.LossyImageCompression = "01"
    return [f"{keyword} of the source is broken and was left out." for keyword in broken]


def _copy(dataset: Dataset, source: Dataset, keyword: str) -> bool:
    """Copy an attribute that has a value; return whether it could be read."""
    if keyword not in source:
        return True
    value = attributes.get_value(source, keyword)
    if value is None:
        # The value of an empty number is None too.
        return not source.get_item(keyword).value
    if value != "" and value != []:
        with tolerant_pydicom:  # the copy may be as malformed as the source
            dataset.add(source[keyword])
    return True


def mark_identity_removed(
    dataset: Dataset, volume: Volume, sliced: SlicedVolume, source: SourceHeader
) -> list[str]:
    """Add PatientIdentityRemoved, unless the pixels may show a name (PS3.3 C.7.1.1).

    Returns
    -------
    list of str
        A note where text in the image was not removed.
    """
    is_burned_in = attributes.get_text(source.dataset, "BurnedInAnnotation") == "YES"
    if is_burned_in:
        dataset.BurnedInAnnotation = "YES"
    is_picture = sliced.geometry is None or volume.rgb or volume.modality == "US"
    if is_burned_in or (is_picture and not volume.labels):
        return ["Text in the image itself, such as a name, was not removed."]
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = DEIDENTIFICATION_METHOD
    return []
