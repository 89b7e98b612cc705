"""The choices for one export: what would be written, and writing it."""

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
from napari_medread.core.series_names import to_undated_name
from napari_medread.core.size_text import format_size, format_spacing
from napari_medread.core.volume import Volume
from napari_medread.core.voxel_blocks import find_stored_type
from napari_medread.dicom.headers.file_discovery import DICOM_WRITE_SUFFIX
from napari_medread.dicom.writing.slice_layout import slice_volume
from napari_medread.errors import CannotWrite
from napari_medread.formats import registry
from napari_medread.formats.registry import FileFormat
from napari_medread.formats.shared.file_grid import to_file_grid
from napari_medread.plugin.bridge.layer_to_volume import LayerVolume

NO_PATIENT_POSITION = (
    "Its patient position is not known: the axes of the array are assumed to be the patient's."
)

DICOM_FORMAT = FileFormat(
    "DICOM",
    write_suffixes={DICOM_WRITE_SUFFIX: "DICOM (.dcm, a folder of slices)"},
    has_compression_choice=True,
    has_patient_choice=True,
)
"""The record of DICOM, which is not one of the formats of the registry."""


class ExportChoice(NamedTuple):
    """One kind of file that the panel offers: a format with one of its suffixes."""

    file_format: FileFormat
    suffix: str

    @property
    def label(self) -> str:
        """The text that the panel shows."""
        return self.file_format.write_suffixes[self.suffix]


EXPORT_CHOICES = tuple(
    ExportChoice(file_format, suffix)
    for file_format in (*registry.FORMATS, DICOM_FORMAT)
    for suffix in file_format.write_suffixes
)
"""All kinds of files that can be written, in the order of the panel."""


@dataclass(frozen=True)
class ExportPlan:
    """Everything the user has chosen for one export.

    Parameters
    ----------
    source : LayerVolume
        The layer as a volume.
    choice : ExportChoice
        The kind of file.
    chosen_path : Path
        The path the user has entered. The suffix of the format replaces that of another format,
        or is appended.
    spacing, origin : tuple of float or None
        In mm, in the order x, y[, z]; None for those of the layer.
    compress : bool
        Whether to compress, if the format leaves the choice.
    keep_patient : bool
        Whether to write what identifies the patient, if the format can hold it.
    """

    source: LayerVolume
    choice: ExportChoice
    chosen_path: Path
    spacing: tuple[float, ...] | None = None
    origin: tuple[float, ...] | None = None
    compress: bool = False
    keep_patient: bool = False

    @property
    def path(self) -> Path:
        """The chosen path with the suffix of the format."""
        suffix = api.find_format_suffix(self.chosen_path) or ""
        stem = self.chosen_path.name[: len(self.chosen_path.name) - len(suffix)]
        return self.chosen_path.with_name(stem + self.choice.suffix)

    @property
    def target(self) -> Path:
        """The file to write, or the folder for a DICOM volume of several slices."""
        is_folder = self._is_dicom and self._count_images() > 1
        return self.path.with_suffix("") if is_folder else self.path

    @property
    def volume(self) -> Volume:
        """The volume with the chosen spacing and origin."""
        volume = self.source.volume
        if self.spacing is None and self.origin is None:
            return volume
        geometry = volume.geometry
        ndim = len(self.spacing or self.origin or ())
        if geometry is None:
            order = [*range(ndim)[::-1], ndim]
            geometry = Geometry(volume.shape[-ndim:], np.eye(ndim + 1)[order])
        return replace(
            volume, geometry=_replace_spacing_and_origin(geometry, self.spacing, self.origin)
        )

    @property
    def _is_dicom(self) -> bool:
        return self.choice.file_format is DICOM_FORMAT

    def describe(self) -> str:
        """Describe what will be written, in one sentence.

        Raises
        ------
        MedReadError
            If it cannot be written, as far as this is known before reading voxels.
        """
        if not self.chosen_path.name:
            raise CannotWrite("Choose a file to write.")
        volume = self.volume
        dtype, _ = find_stored_type(volume)
        if not self._is_dicom:
            to_file_grid(volume)
        geometry = volume.geometry
        size = format_size(volume.shape, volume.slice_axis)
        if volume.rgb:
            size += f" × {volume.data.shape[-1]} colours"
        spacing = "no spacing"
        if geometry is not None:
            spacing = format_spacing(geometry.spacing, volume.slice_axis)
        megabytes = int(np.prod(volume.data.shape)) * dtype.itemsize / 1e6
        space = "patient coordinates" if self.source.has_patient_position else "plain coordinates"
        what = f"{size} voxels of {dtype.newbyteorder('=').name}, {spacing}, in {space}"
        is_compressed = self._compresses or self.path.suffix == ".gz"
        note = " before compression" if is_compressed else ""
        return f"Will write {self._name_files()}: {what}; {megabytes:,.1f} MB{note}."

    @property
    def _compresses(self) -> bool:
        return self.compress and self.choice.file_format.has_compression_choice

    def _name_files(self) -> str:
        """Return the names of the files that will be written."""
        target = self.target
        if self._is_dicom:
            n = self._count_images()
            return target.name if n == 1 else f"{target.name}, a folder of {n} images"
        if target.suffix.lower() == ".mhd":
            data = target.with_suffix(".zraw" if self.compress else ".raw").name
            return f"{target.name} and {data}"
        return target.name

    def _count_images(self) -> int:
        """Return the number of DICOM images of the volume."""
        slicing = slice_volume(self.volume)
        return int(np.prod(slicing.data.shape[: len(self.volume.leading)])) * slicing.slice_count

    @property
    def replaces_file(self) -> bool:
        """Whether a file exists that would be replaced: ask the user first."""
        return self.target.is_file()

    def run(self, progress: Progress = no_progress) -> WrittenFiles:
        """Write the volume.

        Raises
        ------
        CannotWrite
            If it cannot be written. Existing files are then unchanged.
        Cancelled
            If ``progress`` cancels. Existing files are then unchanged.
        """
        return api.write(
            self.path,
            self.volume,
            compress=self._compresses,
            keep_patient=self.keep_patient and self.choice.file_format.has_patient_choice,
            progress=progress,
        )


def find_export_remarks(source: LayerVolume, path: Path) -> tuple[str, ...]:
    """Return what is assumed about a layer when it is written to a path."""
    geometry = source.volume.geometry
    needs_no_position = geometry is None or geometry.ndim == 2 or source.has_patient_position
    # Other formats can also hold coordinates that are not the patient's.
    if needs_no_position or api.find_format_suffix(path) != DICOM_WRITE_SUFFIX:
        return source.remarks
    return (*source.remarks, NO_PATIENT_POSITION)


def to_file_name(name: str) -> str:
    """Return the name of a layer as a file name that is valid on all systems.

    It leaves out the date of the study, which helps to identify the patient.
    """
    undated = to_undated_name(name)
    return re.sub(r'[\x00-\x1f/\\:*?"<>|]+', "_", undated).strip(" .")[:100] or "layer"


def find_spacing_and_origin(volume: Volume) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return spacing and origin in mm, in the order x, y[, z]; zeros if they are not known."""
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
