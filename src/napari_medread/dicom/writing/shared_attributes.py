"""The attributes that all images of a written series share, for the kinds that are written."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from napari_medread.core.contrast_limits import limits_from_window
from napari_medread.core.volume import Volume
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.pixels.modality_values import UNIT_LABELS
from napari_medread.dicom.writing.patient_identity import (
    DEIDENTIFICATION_METHOD,
    SourceHeader,
    add_identity,
)
from napari_medread.dicom.writing.quantisation import ValueEncoding
from napari_medread.dicom.writing.slice_layout import (
    SlicedVolume,
    format_decimal,
    format_millimetres,
)

_CLASSES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "PT": PositronEmissionTomographyImageStorage,
    "SC": SecondaryCaptureImageStorage,
}

_PET_NEEDS = ("SeriesType", "Units", "CountsSource", "DecayCorrection", "FrameReferenceTime",
              "ActualFrameDuration")  # fmt: skip
"""What a PET image must say and only its source knows (PS3.3 C.8.9.1, C.8.9.4)."""

_UNPAIRED = frozenset(
    ("ABDOMEN", "ABDOMENPELVIS", "BLADDER", "BRAIN", "CHEST", "CHESTABDOMEN", "CHESTABDPELVIS",
     "COCCYX", "CSPINE", "HEAD", "HEADNECK", "HEART", "LIVER", "LSPINE", "MEDIASTINUM", "NECK",
     "PANCREAS", "PELVIS", "PROSTATE", "SACRUM", "SKULL", "SPINE", "SPLEEN", "SSPINE", "STERNUM",
     "TSPINE", "UTERUS", "WHOLEBODY")
)  # fmt: skip
"""Body parts of which there is one, and so no Laterality (PS3.3 C.7.3.1.1.2; PS3.16 L)."""

_LONGEST = 64
"""Characters of a long string (PS3.5 VR LO)."""

_RESCALE_TYPES = {shown: code for code, shown in UNIT_LABELS.items()}


def choose_image_kind(volume: Volume, slicing: SlicedVolume, source: SourceHeader) -> str:
    """Return which kind of image to write: ``CT``, ``MR``, ``PT``, or ``SC`` for all else.

    Only grey slices with a place in the patient are images of a scanner, and region numbers are
    none. Secondary capture holds whatever there is (PS3.3 A.8.1), with its geometry added.
    """
    if slicing.place is None or volume.rgb or volume.labels:
        return "SC"
    if volume.modality == "PT":
        return "PT" if _is_pet(volume, source) else "SC"
    return volume.modality if volume.modality in ("CT", "MR") else "SC"


def _is_pet(volume: Volume, source: SourceHeader) -> bool:
    """Tell whether all that a PET image must say is known, and is what we write."""
    said = {keyword: attributes.get_text(source.dataset, keyword) for keyword in _PET_NEEDS}
    corrected = said["DecayCorrection"] != "NONE"
    return (
        all(said.values())
        and not volume.inverted
        and said["SeriesType"].split("\\")[0] != "GATED"
        and said["SeriesType"].split("\\")[1:] == ["IMAGE"]
        and UNIT_LABELS.get(said["Units"], "") == volume.value_unit
        and (not corrected or bool(attributes.get_text(source.dataset, "DecayFactor")))
    )


def make_shared_attributes(
    volume: Volume,
    slicing: SlicedVolume,
    kind: str,
    line: ValueEncoding,
    source: SourceHeader,
    *,
    keep_patient: bool,
) -> tuple[Dataset, list[str]]:
    """Return all attributes but those of a single image and the pixels, and what to say.

    Parameters
    ----------
    volume : Volume
        What is written.
    slicing : Slicing
        Its images.
    kind : str
        Their kind.
    line : Line
        How values are stored.
    source : Source
        What the volume was read from.
    keep_patient : bool
        Whether the patient and the study are said.
    """
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = _CLASSES[kind]
    notes = add_identity(dataset, source, kind, keep_patient=keep_patient)
    dataset.SeriesInstanceUID = generate_uid(prefix=None)
    dataset.Modality = (volume.modality or "OT") if not volume.labels else "OT"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    if attributes.get_text(dataset, "BodyPartExamined").upper() in _UNPAIRED:
        dataset.pop("Laterality", None)
    else:
        _if_empty(dataset, "", "Laterality")
    _MODULES[kind](dataset, source, slicing)
    if kind == "MR" and any(axis.label == "trigger time" for axis in volume.leading):
        options = attributes.get_texts(dataset, "ScanOptions")
        if not {"CG", "PPG"} & set(options):
            dataset.ScanOptions = [*filter(None, options), "CG"]  # without it, no TriggerTime
    _add_place(dataset, slicing, source, kind)
    _add_pixels(dataset, volume, line)
    if not volume.rgb:
        _add_values(dataset, volume, kind, line)
        _add_windows(dataset, volume)
    if not keep_patient:
        notes += _say_removed(dataset, volume, slicing, source)
    if volume.labels:
        notes.append(
            "DICOM images do not say that their values are numbers of regions: they are read "
            "again as grey values."
        )
    dataset.remove_private_tags()  # inside the sequences of the source
    return dataset, notes


def _ct(dataset: Dataset, source: SourceHeader, slicing: SlicedVolume) -> None:
    """CT Image (PS3.3 C.8.2.1)."""
    is_localizer = "LOCALIZER" in attributes.get_text(source.dataset, "ImageType").upper()
    dataset.ImageType = ["DERIVED", "SECONDARY", "LOCALIZER" if is_localizer else "AXIAL"]
    _if_empty(dataset, "", "KVP", "AcquisitionNumber", "PatientPosition")


def _mr(dataset: Dataset, source: SourceHeader, slicing: SlicedVolume) -> None:
    """MR Image (PS3.3 C.8.3.1); where it is not known how it was made, in research mode."""
    dataset.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    _if_empty(dataset, "RM", "ScanningSequence")
    _if_empty(dataset, "NONE", "SequenceVariant")
    if "IR" not in attributes.get_texts(dataset, "ScanningSequence"):
        dataset.pop("InversionTime", None)
    _if_empty(dataset, "", "ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime",
              "EchoTrainLength", "PatientPosition")  # fmt: skip


def _pet(dataset: Dataset, source: SourceHeader, slicing: SlicedVolume) -> None:
    """PET Series, Isotope and Image, NM/PET Patient Orientation (PS3.3 C.8.9, C.8.4.6)."""
    dataset.ImageType = ["DERIVED", "PRIMARY"]  # nothing else is allowed
    dataset.NumberOfSlices = slicing.slices
    if attributes.get_text(source.dataset, "SeriesType").startswith("DYNAMIC"):
        dataset.NumberOfTimeSlices = int(np.prod(slicing.data.shape[:-3]))
    # They must have a value, and no true one without the patient (PS3.15 E.1, action D).
    _if_empty(dataset, "19000101", "SeriesDate")
    _if_empty(dataset, "000000", "SeriesTime")
    _if_empty(dataset, "", "AcquisitionDate", "AcquisitionTime", "CorrectedImage", "CollimatorType")
    dataset.pop("PatientPosition", None)  # these sequences are in its place
    dataset.RadiopharmaceuticalInformationSequence = []
    dataset.PatientOrientationCodeSequence = []
    dataset.PatientGantryRelationshipCodeSequence = []


def _capture(dataset: Dataset, source: SourceHeader, slicing: SlicedVolume) -> None:
    """SC Equipment (PS3.3 C.8.6.1)."""
    dataset.ConversionType = "WSD"
    dataset.PatientOrientation = "" if slicing.place is None else slicing.place.letters


_MODULES = {"CT": _ct, "MR": _mr, "PT": _pet, "SC": _capture}


def _if_empty(dataset: Dataset, value: str, *keywords: str) -> None:
    """Set attributes that have no value."""
    for keyword in keywords:
        if not attributes.get_text(dataset, keyword):
            setattr(dataset, keyword, value)


def _add_place(dataset: Dataset, slicing: SlicedVolume, source: SourceHeader, kind: str) -> None:
    """Image Plane, but for the position (PS3.3 C.7.6.2)."""
    place = slicing.place
    if place is None:
        del dataset.FrameOfReferenceUID
        if slicing.pixel_size is not None:
            _add_pixel_size(dataset, slicing.pixel_size, source)
        return
    if kind != "SC":
        dataset.PositionReferenceIndicator = ""
    dataset.PixelSpacing = format_millimetres(place.pixel_spacing)
    dataset.ImageOrientationPatient = format_millimetres(place.orientation)
    dataset.SliceThickness = format_decimal(place.spacing)
    if slicing.slices > 1:
        dataset.SpacingBetweenSlices = format_decimal(place.spacing)
        # Slices may overlap or lie apart; only the source knows how thick they are.
        thickness = attributes.get_number(source.dataset, "SliceThickness")
        if thickness and source.lies_at(place):
            dataset.SliceThickness = format_decimal(thickness)


def _add_pixel_size(dataset: Dataset, size: tuple[float, float], source: SourceHeader) -> None:
    """Say of pixels without a place what size that is: in the patient, or on detector or film.

    Only the source knows (PS3.3 10.7.1).
    """
    told = {
        keyword: attributes.get_numbers(source.dataset, keyword, 2)
        for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
    }
    same = [keyword for keyword, found in told.items() if found and np.allclose(found, size)]
    calibration = attributes.get_text(source.dataset, "PixelSpacingCalibrationType")
    keyword = same[-1] if same and not ("PixelSpacing" in same and calibration) else "PixelSpacing"
    setattr(dataset, keyword, format_millimetres(size))
    if keyword in same and keyword == "PixelSpacing" and calibration:
        dataset.PixelSpacingCalibrationType = calibration
        dataset.PixelSpacingCalibrationDescription = "That of the image it was made from"


def _add_pixels(dataset: Dataset, volume: Volume, line: ValueEncoding) -> None:
    """Image Pixel, but for the pixels and their numbers (PS3.3 C.7.6.3)."""
    dataset.SamplesPerPixel = 3 if volume.rgb else 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if volume.inverted else "MONOCHROME2"
    if volume.rgb:
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    bits = 8 * line.dtype.itemsize
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(line.dtype.kind == "i")
    if line.padding is not None:
        dataset.PixelPaddingValue = line.padding
    if volume.geometry is None and volume.pixel_size[0] != volume.pixel_size[1]:
        ratio = Fraction(volume.pixel_size[0] / volume.pixel_size[1]).limit_denominator(1000)
        dataset.PixelAspectRatio = [ratio.numerator, ratio.denominator]


def _add_values(dataset: Dataset, volume: Volume, kind: str, line: ValueEncoding) -> None:
    """Modality LUT (PS3.3 C.11.1). MR images have none unless they need it."""
    unit = _RESCALE_TYPES.get(volume.value_unit, "")
    if kind in ("CT", "PT") or unit or not line.is_identity:
        dataset.RescaleSlope, dataset.RescaleIntercept = line.slope, line.intercept
        if kind != "PT":  # has Units
            dataset.RescaleType = unit or "US"


def _add_windows(dataset: Dataset, volume: Volume) -> None:
    """VOI LUT (PS3.3 C.11.2): the file's windows, unless others are looked through."""
    limits, windows = volume.contrast_limits, list(volume.windows)
    function = "LINEAR"
    if windows and limits is not None:
        center, width, _ = windows[0]
        told = [f for f in ("LINEAR", "LINEAR_EXACT")
                if np.allclose(limits_from_window(center, width, f), limits, rtol=1e-6)]  # fmt: skip
        if told:
            function, limits = told[0], None
    if limits is not None and np.isfinite(limits).all() and limits[0] < limits[1]:
        low, high = limits
        function = "LINEAR_EXACT"
        if np.dtype(volume.data.dtype).kind in "biu":  # defined by whole grey values
            function, low, high = "LINEAR", low, high + 1
        windows.insert(0, ((low + high) / 2, high - low, ""))
    if not windows:
        return
    dataset.WindowCenter = [format_decimal(center) for center, _, _ in windows]
    dataset.WindowWidth = [format_decimal(width) for _, width, _ in windows]
    if any(name for _, _, name in windows):
        dataset.WindowCenterWidthExplanation = [
            name.replace("\\", " ")[:_LONGEST] for _, _, name in windows
        ]
    if function != "LINEAR":
        dataset.VOILUTFunction = function


def _say_removed(
    dataset: Dataset, volume: Volume, slicing: SlicedVolume, source: SourceHeader
) -> list[str]:
    """Say that nobody is named, where that is known of the pixels too (PS3.3 C.7.1.1)."""
    burned_in = attributes.get_text(source.dataset, "BurnedInAnnotation") == "YES"
    if burned_in:
        dataset.BurnedInAnnotation = "YES"
    is_picture = slicing.place is None or volume.rgb or volume.modality == "US"
    if burned_in or (is_picture and not volume.labels):
        return ["What may be written in the picture itself, such as a name, was not removed."]
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = DEIDENTIFICATION_METHOD
    return []
