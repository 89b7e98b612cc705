"""The file formats other than DICOM: one record each, found by the suffix of a file.

To add a format: write ``<folder>/<format>_reader.py`` with a function ``read`` like those beside
it; if the format has header keys or can be written, add ``<format>_header.py`` and
``<format>_writer.py`` with a function ``write``; append one ``FileFormat`` to ``FORMATS`` here;
then list the suffixes under ``readers`` and ``writers`` in ``napari.yaml`` and in
``docs/formats.md``. Modules are named by strings and imported when a file needs them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from napari_medread.core.atomic_files import WrittenFiles
from napari_medread.core.progress import Progress
from napari_medread.core.volume import Volume


class VolumeWriter(Protocol):
    """The function ``write`` of a format: writes one volume to one file."""

    def __call__(
        self,
        path: Path,
        volume: Volume,
        *,
        compress: bool,
        keep_patient: bool,
        progress: Progress,
    ) -> WrittenFiles:
        """Write the volume, or raise ``CannotWrite`` and leave existing files unchanged."""


@dataclass(frozen=True, eq=False)
class FileFormat:
    """What is known about a file format without importing its modules.

    Attributes
    ----------
    name : str
        The name of the format, as in a file dialog.
    read_suffixes : tuple of str
        Suffixes of the files that can be read, in lower case.
    reader : str
        Module of this package whose function ``read`` reads a file.
    write_suffixes : mapping of str to str
        Suffixes of the files that can be written, each with its label in the export panel.
    writer : str
        Module of this package whose function ``write`` writes a file.
    header : str
        ``module:function`` that reads a header whose ``as_text`` holds its keys; empty where
        the format has no keys worth showing.
    has_compression_choice : bool
        Whether the user chooses compression; otherwise the suffix decides.
    has_patient_choice : bool
        Whether the export panel offers to write what identifies the patient.
    is_volumetric : bool
        Whether the files hold volumes. They are then opened from a folder that also holds DICOM;
        pictures in such a folder are ignored.
    """

    name: str
    read_suffixes: tuple[str, ...] = ()
    reader: str = ""
    write_suffixes: Mapping[str, str] = field(default_factory=dict)
    writer: str = ""
    header: str = ""
    has_compression_choice: bool = False
    has_patient_choice: bool = False
    is_volumetric: bool = True

    def read(self, path: Path, progress: Progress) -> list[Volume]:
        """Read a file, with a note on images that may be labels.

        Raises
        ------
        UnreadableFile
            If the file cannot be read.
        """
        from napari_medread.core.label_detection import note_possible_labels

        volumes = self.import_reader()(path, progress)
        for volume in volumes:
            note_possible_labels(volume)
        return volumes

    def import_reader(self) -> Callable[[Path, Progress], list[Volume]]:
        """Import the function that reads a file of this format."""
        read: Callable[[Path, Progress], list[Volume]] = _import(f"{self.reader}:read")
        return read

    def import_writer(self) -> VolumeWriter:
        """Import the function that writes a file of this format."""
        write: VolumeWriter = _import(f"{self.writer}:write")
        return write


FORMATS = (
    FileFormat(
        "MetaImage",
        read_suffixes=(".mhd", ".mha"),
        reader="metaimage.metaimage_reader",
        write_suffixes={
            ".mhd": "MetaImage, two files (.mhd)",
            ".mha": "MetaImage, one file (.mha)",
        },
        writer="metaimage.metaimage_writer",
        header="metaimage.metaimage_header:read_metaimage_header",
        has_compression_choice=True,
        has_patient_choice=True,
    ),
    FileFormat(
        "NIfTI",
        read_suffixes=(".nii", ".nii.gz"),
        reader="nifti.nifti_reader",
        write_suffixes={
            ".nii.gz": "NIfTI, compressed (.nii.gz)",
            ".nii": "NIfTI (.nii)",
        },
        writer="nifti.nifti_writer",
        header="nifti.nifti_header:read_nifti_header",
    ),
    FileFormat(
        "NRRD",
        read_suffixes=(".nrrd", ".nhdr"),
        reader="nrrd.nrrd_reader",
        write_suffixes={".nrrd": "NRRD (.nrrd)"},
        writer="nrrd.nrrd_writer",
        header="nrrd.nrrd_header:read_nrrd_header",
        has_compression_choice=True,
    ),
    FileFormat("FreeSurfer MGH", read_suffixes=(".mgh", ".mgz"), reader="others.mgh_reader"),
    FileFormat("GIPL", read_suffixes=(".gipl", ".gipl.gz"), reader="others.gipl_reader"),
    FileFormat("VTK", read_suffixes=(".vtk",), reader="others.vtk_reader"),
    FileFormat(
        "Picture",
        read_suffixes=(".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff"),
        reader="pictures.picture_reader",
        is_volumetric=False,
    ),
)
"""All formats, in the order in which the export panel lists those that can be written."""

_READ_FORMATS = {suffix: each for each in FORMATS for suffix in each.read_suffixes}
"""Suffix to the format that reads it."""

_WRITE_FORMATS = {suffix: each for each in FORMATS for suffix in each.write_suffixes}
"""Suffix to the format that writes it."""

WRITE_SUFFIXES = (*_WRITE_FORMATS,)
"""Suffixes of the files that can be written."""

IMAGEIO_SCHEME = "imageio:"
"""Prefix of the names of imageio's standard pictures, as in ``imageio:chelsea.png``."""


def find_format(path: Path) -> FileFormat | None:
    """Return the format that reads files with this suffix, or None."""
    return _READ_FORMATS.get(_find_suffix(path, _READ_FORMATS) or "")


def strip_format_suffix(path: Path) -> str:
    """Return the name of a file without the suffix of its format."""
    return path.name[: -len(_find_suffix(path, _READ_FORMATS) or "") or None]


def find_write_suffix(path: Path) -> str | None:
    """Return the suffix that says how to write a path, in lower case, or None."""
    return _find_suffix(path, _WRITE_FORMATS)


def import_writer(suffix: str) -> VolumeWriter:
    """Import the function that writes files with one of ``WRITE_SUFFIXES``."""
    return _WRITE_FORMATS[suffix].import_writer()


def read_header_as_text(path: Path) -> dict[str, str] | None:
    """Return all keys of a header as text, in file order, without reading voxels.

    Parameters
    ----------
    path : Path
        A file of any format.

    Returns
    -------
    dict or None
        None for formats without header keys.

    Raises
    ------
    UnreadableFile
        If the header is invalid.
    """
    file_format = find_format(path)
    if file_format is None or not file_format.header:
        return None
    keys: dict[str, str] = _import(file_format.header)(path).as_text
    return keys


def _find_suffix(path: Path, suffixes: Iterable[str]) -> str | None:
    """Return the longest matching suffix of a name that is more than its suffix."""
    name = path.name.lower()
    matching = [suffix for suffix in suffixes if name.endswith(suffix) and name != suffix]
    return max(matching, key=len, default=None)


def _import(target: str) -> Any:
    """Import ``module:function`` of this package."""
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(f"{__package__}.{module}"), function)
