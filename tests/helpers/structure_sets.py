"""RT structure sets over series of images of these tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, RTStructureSetStorage

from helpers.builders import make_uid, save_dataset


def make_roi(
    number: int,
    name: str,
    contours: Sequence[Any],
    kind: str = "CLOSED_PLANAR",
    color: Sequence[int] | None = (255, 0, 0),
    interpreted_type: str = "ORGAN",
) -> dict[str, Any]:
    """Return a region for ``make_structure_set``; contours are (n, 3) in LPS mm, or text."""
    return {
        "number": number,
        "name": name,
        "contours": contours,
        "kind": kind,
        "color": color,
        "interpreted_type": interpreted_type,
    }


def make_structure_set(
    images: Sequence[Dataset], regions: Sequence[dict[str, Any]], **attributes: Any
) -> Dataset:
    """Return a structure set that refers to images, which need a FrameOfReferenceUID."""
    first = images[0]
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = RTStructureSetStorage, make_uid()
    ds.Modality, ds.SeriesNumber, ds.SeriesDescription = "RTSTRUCT", 9, "Drawn"
    ds.SeriesInstanceUID = make_uid()
    ds.PatientID = first.get("PatientID", "")
    ds.PatientName = first.get("PatientName", "")
    ds.StructureSetLabel = "Plan"
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = [make_reference(image) for image in images]
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", "1.2"
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = first.FrameOfReferenceUID
    frame.RTReferencedStudySequence = [study]
    ds.ReferencedFrameOfReferenceSequence = [frame]
    ds.StructureSetROISequence, ds.ROIContourSequence = [], []
    ds.RTROIObservationsSequence = []
    for region in regions:
        described, drawn, observed = Dataset(), Dataset(), Dataset()
        described.ROINumber, described.ROIName = region["number"], region["name"]
        described.ReferencedFrameOfReferenceUID = first.FrameOfReferenceUID
        drawn.ReferencedROINumber = observed.ReferencedROINumber = region["number"]
        if region["color"] is not None:
            drawn.ROIDisplayColor = list(region["color"])
        drawn.ContourSequence = [make_contour(each, region["kind"]) for each in region["contours"]]
        observed.RTROIInterpretedType = region["interpreted_type"]
        ds.StructureSetROISequence.append(described)
        ds.ROIContourSequence.append(drawn)
        ds.RTROIObservationsSequence.append(observed)
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def make_reference(image: Dataset) -> Dataset:
    """Return a reference to an image."""
    reference = Dataset()
    reference.ReferencedSOPClassUID = CTImageStorage
    reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
    return reference


def make_contour(points: Any, kind: str) -> Dataset:
    """Return an item of ContourSequence."""
    contour = Dataset()
    contour.ContourGeometricType = kind
    values = np.ravel(points)
    contour.NumberOfContourPoints = len(values) // 3
    contour.ContourData = [format(value, ".6g") for value in values]
    return contour


def save_structure_set(
    path: Path, images: Sequence[Dataset], regions: Sequence[dict[str, Any]], **attributes: Any
) -> Path:
    """Write a structure set."""
    return save_dataset(make_structure_set(images, regions, **attributes), path)


def to_positions(image: Dataset, points: Any) -> NDArray[np.float64]:
    """Return the positions in LPS mm of (row, column) in the plane of an image."""
    row, column = np.reshape(image.ImageOrientationPatient, (2, 3)).astype(float)
    down, across = map(float, image.PixelSpacing)
    points = np.asarray(points, float)
    origin = np.array(image.ImagePositionPatient, float)
    return origin + points[:, 1:] * across * row + points[:, :1] * down * column


def make_rectangle(image: Dataset, rows: tuple[int, int], columns: tuple[int, int]) -> Any:
    """Return a contour around the pixels of some rows and columns, the last ones included."""
    (top, bottom), (left, right) = rows, columns
    top, left, bottom, right = top - 0.4, left - 0.4, bottom + 0.4, right + 0.4
    return to_positions(image, [(top, left), (top, right), (bottom, right), (bottom, left)])
