"""DICOM segmentations written by highdicom, over series of images of these tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from helpers.builders import make_image, make_uid
from helpers.dicom_volumes import make_rotation

ROWS, COLUMNS, SLICES = 9, 11, 6
SPACING = (3.0, 2.0, 1.5)
"""Between slices, rows and columns, in mm."""

_ROTATION = make_rotation(20, 0) @ make_rotation(-10, 2)
GRIDS: dict[str, dict[str, Any]] = {
    "axial": {},
    "coronal": {"along_row": (1, 0, 0), "down_column": (0, 0, -1)},
    "sagittal": {"along_row": (0, 1, 0), "down_column": (0, 0, -1)},
    "oblique": {"along_row": _ROTATION[:, 0], "down_column": _ROTATION[:, 1]},
    "tilted": {"lean": 0.8},
}
"""Arguments of ``make_source_images`` for slices in each direction."""


def make_source_images(
    along_row: Sequence[float] = (1, 0, 0),
    down_column: Sequence[float] = (0, 1, 0),
    origin: Sequence[float] = (-10.0, 20.0, 30.0),
    lean: float = 0.0,
    slices: int = SLICES,
) -> list[Dataset]:
    """Return a CT series for highdicom; each slice is shifted by ``lean`` mm in its plane."""
    row, column = np.array(along_row, float), np.array(down_column, float)
    step = np.cross(row, column) * SPACING[0] + column * lean
    study, series, frame = make_uid(), make_uid(), make_uid()
    return [
        make_image(
            np.full((ROWS, COLUMNS), n, np.int16),
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
            FrameOfReferenceUID=frame,
            PositionReferenceIndicator="",
            PatientID="1",
            PatientName="",
            PatientBirthDate="",
            PatientSex="",
            AccessionNumber="",
            StudyID="",
            StudyDate="",
            StudyTime="",
            ReferringPhysicianName="",
            Manufacturer="made",
            InstanceNumber=n + 1,
            SliceThickness=SPACING[0],
            PixelSpacing=list(SPACING[1:]),
            ImageOrientationPatient=[*row, *column],
            ImagePositionPatient=list(np.array(origin) + n * step),
        )
        for n in range(slices)
    ]


def make_description(number: int, label: str, color: tuple[int, int, int]) -> SegmentDescription:
    """Return the description of a segment; the colour is RGB from 0 to 255."""
    return SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.Organ,
        segmented_property_type=codes.SCT.Liver,
        algorithm_type="MANUAL",
        tracking_id=f"track {number}",
        tracking_uid=make_uid(),
        display_color=CIELabColor.from_rgb(*color),
    )


def save_segmentation(
    path: Path,
    images: Sequence[Dataset],
    pixels: NDArray[Any],
    descriptions: Sequence[SegmentDescription],
    kind: str = "BINARY",
    **arguments: Any,
) -> Segmentation:
    """Write a segmentation of a series and return it.

    Parameters
    ----------
    pixels : array
        Shape (slice, row, column, segment), or (slice, row, column) with segment numbers.
    """
    segmentation = Segmentation(
        list(images),
        pixels,
        segmentation_type=kind,
        segment_descriptions=list(descriptions),
        series_instance_uid=make_uid(),
        series_number=7,
        sop_instance_uid=make_uid(),
        instance_number=1,
        manufacturer="highdicom",
        manufacturer_model_name="highdicom",
        software_versions=highdicom.__version__,
        device_serial_number="1",
        series_description="Drawn",
        **arguments,
    )
    segmentation.save_as(path)
    return segmentation
