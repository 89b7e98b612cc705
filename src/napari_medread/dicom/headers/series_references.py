"""Which series of which patient and study a volume is from, found in a header."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from napari_medread.core.series_names import SeriesReference, make_patient_key
from napari_medread.dicom.headers import attributes

_DATE = re.compile(r"(\d{4})\.?([01]\d)\.?([0-3]\d)")
"""A date, also with dots as in old files (PS3.5 6.2)."""


def make_series_reference(dataset: Dataset, name: str) -> SeriesReference:
    """Return the reference of a volume of this name; patient and date are empty where unknown."""
    key = make_patient_key(
        attributes.get_text(dataset, "PatientID"), attributes.get_text(dataset, "PatientName")
    )
    date = _DATE.fullmatch(attributes.get_text(dataset, "StudyDate"))
    return SeriesReference(name, key, "-".join(date.groups()) if date else "")
