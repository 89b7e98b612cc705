"""An export that a person puts together: what would be written, and then writing it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from napari_medread import api
from napari_medread.core.atomic_files import WrittenFiles
from napari_medread.core.geometry import Geometry
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.core.voxel_blocks import find_stored_type
from napari_medread.dicom.writing.slice_layout import slice_volume
from napari_medread.errors import CannotWrite
from napari_medread.formats.shared.file_grid import to_file_grid
from napari_medread.plugin.bridge.layer_to_volume import LayerVolume


class Format(NamedTuple):
    """A kind of file to choose.

    Attributes
    ----------
    name : str
        What it is called.
    suffix : str
        Of its files.
    can_pack : bool
        Whether compression is a choice.
    has_patient : bool
        Whether it can hold what names the patient.
    """

    name: str
    suffix: str
    can_pack: bool = True
    has_patient: bool = False


NO_PATIENT_POSITION = (
    "Its place in the patient is not known: the axes of the array were taken for the patient's."
)

DICOM = Format("DICOM (.dcm, a folder of slices)", ".dcm", has_patient=True)

FORMATS = (
    Format("MetaImage, two files (.mhd)", ".mhd", has_patient=True),
    Format("MetaImage, one file (.mha)", ".mha", has_patient=True),
    Format("NIfTI, compressed (.nii.gz)", ".nii.gz", can_pack=False),
    Format("NIfTI (.nii)", ".nii", can_pack=False),
    Format("NRRD (.nrrd)", ".nrrd"),
    DICOM,
)


@dataclass(frozen=True)
class ExportPlan:
    """All that was chosen for one export.

    Parameters
    ----------
    shown : Shown
        The layer's volume.
    format : Format
        The kind of file.
    chosen : Path
        The name chosen. The format's suffix takes the place of another format's, or is added.
    spacing, origin : tuple of float or None
        In mm, in the order x, y[, z]; None where they are the layer's own.
    compress : bool
        Whether to pack.
    keep_patient : bool
        Whether to write what names the patient.
    """

    shown: LayerVolume
    format: Format
    chosen: Path
    spacing: tuple[float, ...] | None = None
    origin: tuple[float, ...] | None = None
    compress: bool = False
    keep_patient: bool = False

    @property
    def path(self) -> Path:
        """The name chosen, with the suffix of the format."""
        suffix = api.find_format_suffix(self.chosen) or ""
        stem = self.chosen.name[: len(self.chosen.name) - len(suffix)]
        return self.chosen.with_name(stem + self.format.suffix)

    @property
    def target(self) -> Path:
        """The file or, for the slices of a DICOM volume, the folder that will be there."""
        is_folder = self.format is DICOM and self._images > 1
        return self.path.with_suffix("") if is_folder else self.path

    @property
    def volume(self) -> Volume:
        """The volume with the grid that was chosen."""
        volume = self.shown.volume
        if self.spacing is None and self.origin is None:
            return volume
        own = volume.geometry
        ndim = len(self.spacing or self.origin or ())
        geometry = own or Geometry(
            volume.shape[-ndim:], np.eye(ndim + 1)[[*range(ndim)[::-1], ndim]]
        )
        return replace(
            volume, geometry=_replace_spacing_and_origin(geometry, self.spacing, self.origin)
        )

    def forecast(self) -> str:
        """Say what will be written.

        Raises
        ------
        MedReadError
            Where it is clear already that it cannot be.
        """
        if not self.chosen.name:
            raise CannotWrite("Choose a file to write.")
        volume = self.volume
        dtype, _ = find_stored_type(volume)
        if self.format is not DICOM:
            to_file_grid(volume)
        geometry = volume.geometry
        size = " × ".join(map(str, volume.shape[::-1]))
        if volume.rgb:
            size += f" × {volume.data.shape[-1]} colours"
        spacing = "no spacing"
        if geometry is not None:
            spacing = " × ".join(f"{n:.4g}" for n in geometry.itk.spacing) + " mm"
        megabytes = int(np.prod(volume.data.shape)) * dtype.itemsize / 1e6
        place = "the patient's coordinates" if self.shown.in_patient else "plain coordinates"
        what = f"{size} voxels of {dtype.newbyteorder('=').name}, {spacing}, in {place}"
        is_packed = (self.compress and self.format.can_pack) or self.path.suffix == ".gz"
        packed = " before packing" if is_packed else ""
        return f"Will be written: {self._files()}: {what}; {megabytes:,.1f} MB{packed}."

    def _files(self) -> str:
        """Return the names of the files that will be there."""
        target = self.target
        if self.format is DICOM:
            images = self._images
            return target.name if images == 1 else f"{target.name}, a folder of {images} images"
        if target.suffix.lower() == ".mhd":
            data = target.with_suffix(".zraw" if self.compress else ".raw").name
            return f"{target.name} and {data}"
        return target.name

    @property
    def _images(self) -> int:
        """How many DICOM images the volume is."""
        slicing = slice_volume(self.volume)
        return int(np.prod(slicing.data.shape[: len(self.volume.leading)])) * slicing.slice_count

    @property
    def is_there(self) -> bool:
        """Whether a file would be replaced: ask first."""
        return self.target.is_file()

    def run(self, progress: Progress = no_progress) -> WrittenFiles:
        """Write it.

        Raises
        ------
        MedReadError
            Where it cannot be written, or was cancelled; what was there before still is.
        """
        return api.write(
            self.path,
            self.volume,
            compress=self.compress and self.format.can_pack,
            keep_patient=self.keep_patient and self.format.has_patient,
            progress=progress,
        )


def find_export_remarks(shown: LayerVolume, path: Path) -> tuple[str, ...]:
    """Return what is taken for granted where a layer is written to a path."""
    volume = shown.volume
    is_placed = volume.geometry is None or volume.geometry.ndim == 2 or shown.in_patient
    # Other formats have plain coordinates as well; DICOM only has the patient's.
    if is_placed or api.find_format_suffix(path) != DICOM.suffix:
        return shown.remarks
    return (*shown.remarks, NO_PATIENT_POSITION)


def to_file_name(name: str) -> str:
    """Return the name of a layer as that of a file, on any system."""
    return re.sub(r'[\x00-\x1f/\\:*?"<>|]+', "_", name).strip(" .")[:100] or "layer"


def find_spacing_and_origin(volume: Volume) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return spacing and origin in mm in the order x, y[, z]; zeros where none is known."""
    if volume.geometry is None:
        zeros = (0.0,) * min(volume.ndim - len(volume.leading), 3)
        return zeros, zeros
    return volume.geometry.itk.spacing, volume.geometry.itk.origin


def _replace_spacing_and_origin(
    geometry: Geometry, spacing: Sequence[float] | None, origin: Sequence[float] | None
) -> Geometry:
    """Return a geometry with another spacing or origin, in the order x, y[, z]."""
    affine, n = np.array(geometry.affine), geometry.ndim
    if spacing is not None:
        affine[:n, :n] *= np.divide(spacing, geometry.itk.spacing)[::-1]
    if origin is not None:
        affine[:n, n] = origin
    return Geometry(geometry.shape, affine, geometry.slice_axis)
