"""Series of several patients and studies."""

from __future__ import annotations

from pathlib import Path

from pydicom.uid import generate_uid

from helpers.builders import make_series, write_series


def write_scan(
    folder: Path, patient: str = "A", date: str = "20110304", number: int = 3, slices: int = 4
) -> Path:
    """Write the series ``<number> chest`` of a patient and a study; return its folder."""
    series = make_series(
        slices=range(slices),
        PatientID=patient,
        PatientName=f"Doe^{patient}",
        StudyDate=date,
        StudyInstanceUID=generate_uid(),
        SeriesInstanceUID=generate_uid(),
        SeriesNumber=number,
        SeriesDescription="chest",
    )
    write_series(folder, series)
    return folder
