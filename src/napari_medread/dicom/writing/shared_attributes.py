"""The attributes that all images of a written series share."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from napari_medread.core.contrast_limits import limits_from_window
from napari_medread.core.volume import Volume
from napari_medread.core.window_presets import DISPLAYED_WINDOW
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.pixels.modality_values import UNIT_LABELS
from napari_medread.dicom.writing.decimal_strings import format_decimal, format_decimals
from napari_medread.dicom.writing.image_kinds import (
    SOP_CLASSES,
    add_image_kind_modules,
    set_if_empty,
)
from napari_medread.dicom.writing.patient_identity import add_identity, mark_identity_removed
from napari_medread.dicom.writing.quantisation import ValueEncoding
from napari_medread.dicom.writing.slice_layout import SlicedVolume
from napari_medread.dicom.writing.source_header import SourceHeader

UNPAIRED_BODY_PARTS = frozenset(
    ("ABDOMEN", "ABDOMENPELVIS", "BLADDER", "BRAIN", "CHEST", "CHESTABDOMEN", "CHESTABDPELVIS",
     "COCCYX", "CSPINE", "HEAD", "HEADNECK", "HEART", "LIVER", "LSPINE", "MEDIASTINUM", "NECK",
     "PANCREAS", "PELVIS", "PROSTATE", "SACRUM", "SKULL", "SPINE", "SPLEEN", "SSPINE", "STERNUM",
     "TSPINE", "UTERUS", "WHOLEBODY")
)  # fmt: skip
"""Body parts of which there is only one, so without Laterality (PS3.3 C.7.3.1.1.2; PS3.16 L)."""

MAX_EXPLANATION_LENGTH = 64
"""Most characters of a window's explanation (PS3.5 VR LO)."""

_RESCALE_TYPES = {label: code for code, label in UNIT_LABELS.items()}


def make_shared_attributes(
    volume: Volume,
    sliced: SlicedVolume,
    kind: str,
    encoding: ValueEncoding,
    source: SourceHeader,
    *,
    keep_patient: bool,
) -> tuple[Dataset, list[str]]:
    """Return all attributes except the pixels and those that differ between images.

    Parameters
    ----------
    volume : Volume
        The volume that is written.
    sliced : SlicedVolume
        Its images.
    kind : str
        The kind of image, from ``choose_image_kind``.
    encoding : ValueEncoding
        How values are stored.
    source : SourceHeader
        The file that the volume was read from.
    keep_patient : bool
        Whether patient and study are copied from the source.

    Returns
    -------
    dataset : Dataset
        The attributes.
    notes : list of str
        What could not be copied, and what readers will not know.
    """
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = SOP_CLASSES[kind]
    notes = add_identity(dataset, source, kind, keep_patient=keep_patient)
    dataset.SeriesInstanceUID = generate_uid(prefix=None)
    dataset.Modality = (volume.modality or "OT") if not volume.labels else "OT"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    if attributes.get_text(dataset, "BodyPartExamined").upper() in UNPAIRED_BODY_PARTS:
        dataset.pop("Laterality", None)
    else:
        set_if_empty(dataset, "", "Laterality")
    add_image_kind_modules(dataset, kind, volume, sliced, source)
    _add_image_plane(dataset, sliced, source, kind)
    _add_image_pixel(dataset, volume, encoding)
    if not volume.rgb:
        _add_modality_lut(dataset, volume, kind, encoding)
        _add_voi_lut(dataset, volume)
    if not keep_patient:
        notes += mark_identity_removed(dataset, volume, sliced, source)
    if volume.labels:
        notes.append(
            "DICOM images cannot mark their values as label numbers: other programs will read them "
            "as grey values."
        )
    dataset.remove_private_tags()  # in sequences copied from the source
    return dataset, notes


def _add_image_plane(
    dataset: Dataset, sliced: SlicedVolume, source: SourceHeader, kind: str
) -> None:
    """Image Plane, except the position (PS3.3 C.7.6.2)."""
    geometry = sliced.geometry
    if geometry is None:
        del dataset.FrameOfReferenceUID
        if sliced.pixel_size is not None:
            _add_unpositioned_pixel_size(dataset, sliced.pixel_size, source)
        return
    if kind != "SC":
        dataset.PositionReferenceIndicator = ""
    dataset.PixelSpacing = format_decimals(geometry.pixel_spacing)
    dataset.ImageOrientationPatient = format_decimals(geometry.orientation)
    dataset.SliceThickness = format_decimal(geometry.slice_spacing)
    if sliced.slice_count > 1:
        dataset.SpacingBetweenSlices = format_decimal(geometry.slice_spacing)
        # Slices may overlap or leave gaps; only the source knows how thick they are.
        thickness = attributes.get_number(source.dataset, "SliceThickness")
        if thickness and source.is_slice_of(geometry):
            dataset.SliceThickness = format_decimal(thickness)


def _add_unpositioned_pixel_size(
    dataset: Dataset, size: tuple[float, float], source: SourceHeader
) -> None:
    """Add the size of pixels without a position by the keyword under which the source has it.

    Only the source knows whether it is measured in the patient, on the detector or on film
    (PS3.3 10.7.1).
    """
    source_sizes = {
        keyword: attributes.get_numbers(source.dataset, keyword, 2)
        for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
    }
    equal = [keyword for keyword, s in source_sizes.items() if s and np.allclose(s, size)]
    calibration = attributes.get_text(source.dataset, "PixelSpacingCalibrationType")
    is_calibrated = "PixelSpacing" in equal and bool(calibration)
    keyword = equal[-1] if equal and not is_calibrated else "PixelSpacing"
    setattr(dataset, keyword, format_decimals(size))
    if is_calibrated:
        dataset.PixelSpacingCalibrationType = calibration
        dataset.PixelSpacingCalibrationDescription = "That of the image it was made from"


def _add_image_pixel(dataset: Dataset, volume: Volume, encoding: ValueEncoding) -> None:
    """Image Pixel, except the pixels and their rows and columns (PS3.3 C.7.6.3)."""
    dataset.SamplesPerPixel = 3 if volume.rgb else 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if volume.inverted else "MONOCHROME2"
    if volume.rgb:
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    bits = 8 * encoding.dtype.itemsize
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(encoding.dtype.kind == "i")
    if encoding.padding is not None:
        dataset.PixelPaddingValue = encoding.padding
    if volume.geometry is None and volume.pixel_size[0] != volume.pixel_size[1]:
        ratio = Fraction(volume.pixel_size[0] / volume.pixel_size[1]).limit_denominator(1000)
        dataset.PixelAspectRatio = [ratio.numerator, ratio.denominator]


def _add_modality_lut(dataset: Dataset, volume: Volume, kind: str, encoding: ValueEncoding) -> None:
    """Modality LUT (PS3.3 C.11.1). MR images have none unless they need it."""
    unit = _RESCALE_TYPES.get(volume.value_unit, "")
    if kind in ("CT", "PT") or unit or not encoding.is_identity:
        dataset.RescaleSlope, dataset.RescaleIntercept = encoding.slope, encoding.intercept
        if kind != "PT":  # PET has Units
            dataset.RescaleType = unit or "US"


def _add_voi_lut(dataset: Dataset, volume: Volume) -> None:
    """VOI LUT (PS3.3 C.11.2): the file's windows, and first the displayed one where it differs."""
    limits, windows = volume.contrast_limits, list(volume.windows)
    function = "LINEAR"
    if windows and limits is not None:
        center, width, _ = windows[0]
        for candidate in ("LINEAR", "LINEAR_EXACT"):
            if np.allclose(limits_from_window(center, width, candidate), limits, rtol=1e-6):
                function, limits = candidate, None
                break
    if limits is not None and np.isfinite(limits).all() and limits[0] < limits[1]:
        low, high = limits
        function = "LINEAR_EXACT"
        if np.dtype(volume.data.dtype).kind in "biu":  # LINEAR is defined for integers
            function, low, high = "LINEAR", low, high + 1
        windows.insert(0, ((low + high) / 2, high - low, DISPLAYED_WINDOW))
    if not windows:
        return
    dataset.WindowCenter = [format_decimal(center) for center, _, _ in windows]
    dataset.WindowWidth = [format_decimal(width) for _, width, _ in windows]
    if any(explanation for _, _, explanation in windows):
        dataset.WindowCenterWidthExplanation = [
            explanation.replace("\\", " ")[:MAX_EXPLANATION_LENGTH] for _, _, explanation in windows
        ]
    if function != "LINEAR":
        dataset.VOILUTFunction = function
