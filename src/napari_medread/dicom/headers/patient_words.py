"""Words of a text that identify the patient of a file."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from napari_medread.dicom.headers import attributes


def has_patient_identifier(text: str, dataset: Dataset) -> bool:
    """Return whether a word of a text is part of the patient's name or ID."""
    patient = (
        f"{attributes.get_text(dataset, 'PatientName')} {attributes.get_text(dataset, 'PatientID')}"
    )
    patient_words = set(_split_words(patient))
    return any(word in patient_words for word in _split_words(text) if len(word) > 1)


def _split_words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return re.split(r"[\W_]+", text.lower())
