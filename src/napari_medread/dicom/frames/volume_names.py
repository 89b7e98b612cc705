"""Names of volumes, made from headers without what identifies a patient."""

from __future__ import annotations

from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.patient_words import has_patient_identifier


def make_volume_name(frame: Frame, label: str, file_count: int) -> str:
    """Return a name from series number and description, else from the file's or folder's name.

    Text that contains the patient's name or ID is not used.
    """
    dataset = frame.dataset
    number = attributes.get_text(dataset, "SeriesNumber")
    description = attributes.get_text(dataset, "SeriesDescription") or attributes.get_text(
        dataset, "ProtocolName"
    )
    path = frame.header.path
    path_name = "" if number else path.parent.name if file_count > 1 else path.stem
    text = next(
        (t for t in (description, path_name) if t and not has_patient_identifier(t, dataset)), ""
    )
    if not text:
        text = f"{attributes.get_text(dataset, 'Modality')} series".strip()
    return " ".join(p for p in (number, text, f"({label})" if label else "") if p)
