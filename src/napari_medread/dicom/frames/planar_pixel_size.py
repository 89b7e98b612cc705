"""Pixel sizes of images without a position in patient space: projections, films, ultrasound."""

from __future__ import annotations

import math

from napari_medread.core.volume import NO_PIXEL_SIZE
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes

Spacing = tuple[float, float]

_CENTIMETRE_UNIT = 3
"""PhysicalUnitsXDirection and PhysicalUnitsYDirection for cm (PS3.3 C.8.5.5.1.15)."""

_PROJECTION_MODALITIES = ("CR", "DX", "MG", "RF", "XA", "IO", "PX", "RG")
"""Modalities that project the patient onto a detector, where pixels are larger than in it."""

UNCERTAIN_PIXEL_SIZE_NOTE = (
    "The file does not say whether the pixel size was measured in the patient or at the detector."
)
"""The note on a projection that has PixelSpacing alone (PS3.3 10.7.1.1)."""


def find_pixel_size(frame: Frame) -> tuple[Spacing | None, list[str]]:
    """Return the size of a pixel in mm, and notes about how well it is known (PS3.3 10.7.1).

    Returns
    -------
    spacing : (between rows, between columns) or None
        In mm; None if the file gives no pixel size.
    notes : list of str
        Sentences about a pixel size that is approximate or missing.
    """
    dataset = frame.dataset
    if attributes.get_items(dataset, "SequenceOfUltrasoundRegions"):
        return _find_ultrasound_pixel_size(frame)
    pixel_spacing = frame.pixel_spacing
    imager_spacing = _get_spacing(frame, "ImagerPixelSpacing")
    calibration = attributes.get_text(dataset, "PixelSpacingCalibrationType")
    if pixel_spacing and imager_spacing is None:
        is_projection = attributes.get_text(dataset, "Modality") in _PROJECTION_MODALITIES
        is_uncertain = is_projection and not calibration
        return pixel_spacing, [UNCERTAIN_PIXEL_SIZE_NOTE] if is_uncertain else []
    if (
        pixel_spacing
        and imager_spacing
        and (calibration or not _are_equal(pixel_spacing, imager_spacing))
    ):
        return pixel_spacing, []
    if imager_spacing:
        factor = attributes.get_number(dataset, "EstimatedRadiographicMagnificationFactor")
        if factor and factor > 0:
            return (imager_spacing[0] / factor, imager_spacing[1] / factor), [
                f"The pixel size is the detector's divided by an estimated magnification "
                f"of {factor:g}."
            ]
        return imager_spacing, [
            "The pixel size is measured at the detector: structures in the patient are smaller."
        ]
    film_spacing = _get_spacing(frame, "NominalScannedPixelSpacing")
    if film_spacing:
        return film_spacing, ["The pixel size was measured on the scanned film."]
    return None, [NO_PIXEL_SIZE]


def find_pixel_aspect(frame: Frame) -> tuple[Spacing, list[str]]:
    """Return the height and width of pixels of unknown size, as multiples of the width.

    PixelAspectRatio is vertical to horizontal (PS3.3 C.7.6.3.1.7).

    Returns
    -------
    size : (height, width)
        The width is 1.
    notes : list of str
        A sentence if pixels are not square.
    """
    ratio = _get_spacing(frame, "PixelAspectRatio")
    if ratio is None or _are_equal(ratio, (ratio[1], ratio[0])):
        return (1.0, 1.0), []
    height = ratio[0] / ratio[1]
    return (height, 1.0), [
        f"Pixels are {ratio[0]:g} high to {ratio[1]:g} wide: rows are drawn {height:.4g} pixels "
        "apart."
    ]


def _get_spacing(frame: Frame, keyword: str) -> Spacing | None:
    """Return an attribute's two positive numbers, or None."""
    spacing = attributes.get_numbers(frame.dataset, keyword, 2)
    return (spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None


def _are_equal(one: Spacing, other: Spacing) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(one, other, strict=True))


def _find_ultrasound_pixel_size(frame: Frame) -> tuple[Spacing | None, list[str]]:
    """Return the pixel size that all ultrasound regions share (PS3.3 C.8.5.5), else a note."""
    sizes: set[Spacing | None] = set()
    for region in attributes.get_items(frame.dataset, "SequenceOfUltrasoundRegions"):
        unit_x = attributes.get_integer(region, "PhysicalUnitsXDirection", 0)
        unit_y = attributes.get_integer(region, "PhysicalUnitsYDirection", 0)
        x = attributes.get_number(region, "PhysicalDeltaX")
        y = attributes.get_number(region, "PhysicalDeltaY")
        if (unit_x, unit_y) != (_CENTIMETRE_UNIT, _CENTIMETRE_UNIT) or not x or not y:
            sizes.add(None)
        else:
            sizes.add((float(f"{abs(y) * 10:.6g}"), float(f"{abs(x) * 10:.6g}")))
    (size, *others) = sizes
    if others or size is None:
        return None, ["The ultrasound regions have no pixel size in common: shown in pixels."]
    return size, []
