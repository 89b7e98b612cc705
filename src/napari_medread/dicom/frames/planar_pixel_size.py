"""Pixel sizes of images without a place in the patient: projections and ultrasound."""

from __future__ import annotations

import math

from napari_medread.core.volume import NO_PIXEL_SIZE
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes

Spacing = tuple[float, float]

_CENTIMETRES = 3
"""PhysicalUnitsXDirection and Y for cm (PS3.3 C.8.5.5.1.15)."""

_PROJECTIONS = ("CR", "DX", "MG", "RF", "XA", "IO", "PX", "RG")
"""Modalities that cast a shadow on a detector: their pixels have a size there."""

UNCERTAIN_PIXEL_SIZE_NOTE = (
    "The file does not say whether the pixel size is that in the patient or at the detector."
)
"""The note on a projection with PixelSpacing alone (PS3.3 10.7.1.1)."""


def find_pixel_size(frame: Frame) -> tuple[Spacing | None, list[str]]:
    """Return the size of a pixel in mm, between rows and between columns, and doubts about it.

    Returns
    -------
    spacing : (row, column) or None
        None where the file gives none.
    notes : list of str
        Sentences about what is only known roughly, or not at all.
    """
    dataset = frame.dataset
    if attributes.get_items(dataset, "SequenceOfUltrasoundRegions"):
        return _ultrasound(frame)
    calibrated = frame.pixel_spacing
    imager = _pair(frame, "ImagerPixelSpacing")
    if calibrated and imager is None:
        doubtful = attributes.get_text(
            dataset, "Modality"
        ) in _PROJECTIONS and not attributes.get_text(dataset, "PixelSpacingCalibrationType")
        return calibrated, [UNCERTAIN_PIXEL_SIZE_NOTE] if doubtful else []
    if (
        calibrated
        and imager
        and (
            attributes.get_text(dataset, "PixelSpacingCalibrationType")
            or not _equal(calibrated, imager)
        )
    ):
        return calibrated, []
    if imager:
        factor = attributes.get_number(dataset, "EstimatedRadiographicMagnificationFactor")
        if factor and factor > 0:
            return (imager[0] / factor, imager[1] / factor), [
                f"The pixel size is the detector's divided by an estimated magnification "
                f"of {factor:g}."
            ]
        return imager, ["The pixel size is that at the detector: the patient is smaller."]
    nominal = _pair(frame, "NominalScannedPixelSpacing")
    if nominal:
        return nominal, ["The pixel size is that of the scanned film."]
    return None, [NO_PIXEL_SIZE]


def find_pixel_aspect(frame: Frame) -> tuple[Spacing, list[str]]:
    """Return how high and how wide pixels of unknown size are, the width being 1, and a note.

    PixelAspectRatio is vertical to horizontal (PS3.3 C.7.6.3.1.7).
    """
    ratio = _pair(frame, "PixelAspectRatio")
    if ratio is None or _equal(ratio, (ratio[1], ratio[0])):
        return (1.0, 1.0), []
    height = ratio[0] / ratio[1]
    return (height, 1.0), [
        f"Pixels are {ratio[0]:g} high to {ratio[1]:g} wide: rows are drawn {height:.4g} pixels "
        "apart."
    ]


def _pair(frame: Frame, keyword: str) -> Spacing | None:
    found = attributes.get_numbers(frame.dataset, keyword, 2)
    return (found[0], found[1]) if found and min(found) > 0 else None


def _equal(one: Spacing, other: Spacing) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(one, other, strict=True))


def _ultrasound(frame: Frame) -> tuple[Spacing | None, list[str]]:
    """Return the one pixel size that all regions share (PS3.3 C.8.5.5)."""
    sizes: set[Spacing | None] = set()
    for region in attributes.get_items(frame.dataset, "SequenceOfUltrasoundRegions"):
        unit_x = attributes.get_integer(region, "PhysicalUnitsXDirection", 0)
        unit_y = attributes.get_integer(region, "PhysicalUnitsYDirection", 0)
        x = attributes.get_number(region, "PhysicalDeltaX")
        y = attributes.get_number(region, "PhysicalDeltaY")
        if (unit_x, unit_y) != (_CENTIMETRES, _CENTIMETRES) or not x or not y:
            sizes.add(None)
        else:
            sizes.add((float(f"{abs(y) * 10:.6g}"), float(f"{abs(x) * 10:.6g}")))
    (size, *others) = sizes
    if others or size is None:
        return None, ["The ultrasound regions have no pixel size in common: shown in pixels."]
    return size, []
