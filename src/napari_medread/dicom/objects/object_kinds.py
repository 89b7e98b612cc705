"""Which objects are read by this room, by their SOP class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari_medread.core.progress import Progress
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.objects.object_contents import ObjectContents
from napari_medread.dicom.objects.segmentation import SEGMENTATION_UIDS, read_segmentation
from napari_medread.dicom.objects.structure_set import STRUCTURE_SET_UID
from napari_medread.dicom.objects.structure_voxels import read_structure_set
from napari_medread.dicom.sorting.stack import Stack

ObjectReader = Callable[[DicomFileHeader, Sequence[Stack], Progress], ObjectContents]
"""Reads a header, with the stacks of the images that were read with it."""


def _read_segmentation(
    header: DicomFileHeader, images: Sequence[Stack], progress: Progress
) -> ObjectContents:
    return ObjectContents(read_segmentation(header, images, progress))


_READERS: dict[str, ObjectReader] = {
    **dict.fromkeys(SEGMENTATION_UIDS, _read_segmentation),
    STRUCTURE_SET_UID: read_structure_set,
}

OBJECT_UIDS = frozenset(_READERS)
"""SOP classes of the objects that are read here."""


def get_object_reader(header: DicomFileHeader) -> ObjectReader | None:
    """Return the function that reads an object; None for images."""
    return _READERS.get(attributes.get_text(header.dataset, "SOPClassUID"))
