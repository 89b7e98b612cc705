"""Writes a volume as DICOM: one image to a file, several to a folder of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

from napari_medread.core.atomic_files import WrittenFiles, create_atomic_folder, open_atomic_file
from napari_medread.core.progress import Progress, T, no_progress
from napari_medread.core.volume import Volume
from napari_medread.core.voxel_blocks import read_blocks
from napari_medread.dicom.headers.file_discovery import DICOM_WRITE_SUFFIX
from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom
from napari_medread.dicom.writing.leading_axis_attributes import (
    AttributeValues,
    make_leading_axis_attributes,
)
from napari_medread.dicom.writing.patient_identity import find_source_encodings, read_source_header
from napari_medread.dicom.writing.quantisation import ValueEncoding, choose_encoding
from napari_medread.dicom.writing.shared_attributes import choose_image_kind, make_shared_attributes
from napari_medread.dicom.writing.slice_layout import SlicedVolume, format_millimetres, slice_volume
from napari_medread.errors import CannotWrite

_LOSSLESS = JPEG2000Lossless
"""Packs any kind of image that is written here, to about half of RLE's size."""

_MOST = 0xFFFF
"""Rows or columns that an image can have: 16 bits count them."""

_LEAST = 32
"""Rows and columns of the smallest image that OpenJPEG packs; less is not worth packing."""

_CODEC = "pylibjpeg"
"""pydicom's name for what packs it; the default may be another one on every machine."""


def write(
    path: Path,
    volume: Volume,
    *,
    as_folder: bool = False,
    compress: bool = False,
    keep_patient: bool = False,
    progress: Progress = no_progress,
) -> WrittenFiles:
    """Write a volume as a DICOM series of its own.

    Parameters
    ----------
    path : Path
        The file of a single image. Of several, the folder: without the suffix ``.dcm``, if it
        has it. The folder must be new, or empty.
    volume : Volume
        Up to three leading axes, of those that images have attributes for. Read slice by slice.
    as_folder : bool
        Whether the path is that of a folder whatever its name and however few the images.
    compress : bool
        Whether to pack the pixels without loss (JPEG 2000); the tiniest images stay plain.
    keep_patient : bool
        Whether what the source says about patient and study is written too, so that the new
        series is one more of the same study. Otherwise it belongs to nobody.
    progress : Progress
        Reports progress, and stops.

    Returns
    -------
    Written
        The file, or the folder.

    Raises
    ------
    CannotWrite
        Where it cannot be written, or the patient's data are asked for and cannot be had.
    """
    if 0 in volume.data.shape:
        raise CannotWrite(f"{volume.name}: it is empty, there is nothing to write.")
    slicing = slice_volume(volume)
    lead = len(volume.leading) + 1
    if max(slicing.data.shape[lead : lead + 2]) > _MOST:
        raise CannotWrite(
            f"{volume.name}: DICOM images have at most {_MOST} rows and columns. Write parts of it."
        )
    source = read_source_header(volume, keep_patient=keep_patient)
    kind = choose_image_kind(volume, slicing, source)
    at_points, notes = make_leading_axis_attributes(volume, kind)
    count = len(at_points) * slicing.slices
    single = count == 1 and not as_folder
    if not single and not as_folder and path.suffix.lower() == DICOM_WRITE_SUFFIX:
        path = path.with_suffix("")
    with open_atomic_file(path) if single else create_atomic_folder(path) as place:
        line, stored = _stored(volume, slicing, kind, progress)
        common, more = make_shared_attributes(
            volume, slicing, kind, line, source, keep_patient=keep_patient
        )
        digits = max(4, len(str(count)))
        for n, pixels in zip(progress(range(count), f"Writing {volume.name}"), stored, strict=True):
            image = _image(common, slicing, at_points, n)
            if isinstance(place, Path):
                with (place / f"slice_{n + 1:0{digits}d}{DICOM_WRITE_SUFFIX}").open("wb") as file:
                    _save(image, pixels, file, compress=compress)
            else:
                _save(image, pixels, place, compress=compress)
    return WrittenFiles((path,), (*notes, *slicing.notes, *line.notes, *more))


def _stored(
    volume: Volume, slicing: SlicedVolume, kind: str, progress: Progress
) -> tuple[ValueEncoding, Iterator[NDArray[Any]]]:
    """Return how values are stored, and the stored pixels of every image one after another."""
    ordered = replace(volume, data=slicing.data, leading=())
    dtype = np.dtype(volume.data.dtype)

    def pieces(progress: Progress = no_progress) -> Iterator[NDArray[Any]]:
        return read_blocks(ordered, dtype, progress)

    def images() -> Iterator[NDArray[Any]]:
        return itertools.chain.from_iterable(
            piece.reshape(-1, *slicing.data.shape[len(volume.leading) + 1 :]) for piece in pieces()
        )

    if volume.rgb:
        line, store = _colour(volume)
        return line, map(store, images())

    def measuring(items: Sequence[T], description: str) -> Iterator[T]:
        del description  # it says that they are written
        return progress(items, f"Measuring {volume.name}")

    line = choose_encoding(
        volume.name,
        dtype,
        lambda: pieces(measuring),
        unit=volume.value_unit,
        known=find_source_encodings(volume),
        least_bits=8 if kind == "SC" else 16,
        shifts=kind != "PT",
    )
    return line, map(line.store, images())


def _colour(volume: Volume) -> tuple[ValueEncoding, Callable[[NDArray[Any]], NDArray[Any]]]:
    """Return what is said of a colour image, and what makes its pixels red, green, blue of 8 bits.

    Raises
    ------
    CannotWrite
        Where its colours are no whole numbers of 8 or 16 bits.
    """
    dtype = np.dtype(volume.data.dtype)
    if dtype.kind != "u" or dtype.itemsize > 2:
        raise CannotWrite(
            f"{volume.name}: DICOM colour images hold whole numbers from 0 to 255, and no {dtype}."
        )
    notes = []
    if volume.data.shape[-1] > 3:
        notes.append("The transparency was not written.")
    if dtype.itemsize == 1:
        return ValueEncoding(dtype, notes=tuple(notes)), lambda pixels: pixels[..., :3]
    notes.append("The colours of 16 bits were written with 8.")

    def narrow(pixels: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(np.rint(pixels[..., :3] / 257), dtype=np.uint8)

    return ValueEncoding(np.dtype(np.uint8), notes=tuple(notes)), narrow


def _image(
    common: Dataset, slicing: SlicedVolume, at_points: Sequence[AttributeValues], n: int
) -> Dataset:
    """Return one image without its pixels: images are counted through the points' slices."""
    point, slice_ = divmod(n, slicing.slices)
    image = deepcopy(common)
    image.SOPInstanceUID = generate_uid(prefix=None)
    image.InstanceNumber = n + 1
    if "NumberOfSlices" in common:
        image.ImageIndex = n + 1  # PS3.3 C.8.9.4.1.9
    if slicing.place is not None:
        image.ImagePositionPatient = format_millimetres(slicing.place.positions[slice_])
    for keyword, value in at_points[point].items():
        setattr(image, keyword, value)
    return image


def _save(image: Dataset, pixels: NDArray[Any], file: BinaryIO, *, compress: bool) -> None:
    """Write an image with its pixels."""
    image.Rows, image.Columns = pixels.shape[:2]
    data = pixels.tobytes()
    image.PixelData = data + b"\0" * (len(data) % 2)  # PS3.5 8.1.1
    image["PixelData"].VR = "OB" if image.BitsAllocated == 8 else "OW"
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # What is copied from the source may be as malformed as it was there.
    with tolerant_pydicom:
        if compress and min(pixels.shape[:2]) >= _LEAST:
            image.compress(_LOSSLESS, encoding_plugin=_CODEC, generate_instance_uid=False)
        dcmwrite(file, image, enforce_file_format=True)
