"""The keys of a file's header, without reading its voxels."""

from __future__ import annotations

from pathlib import Path

from napari_medread.formats.registry import format_of


def header_keys(path: Path) -> dict[str, str] | None:
    """Return all keys of a header as text, in their order; None for formats that have none.

    Parameters
    ----------
    path : Path
        A MetaImage, NIfTI or NRRD file.

    Raises
    ------
    UnreadableFile
        Where the header is wrong.
    """
    name = format_of(path)
    if name == "metaimage.metaimage_reader":
        from napari_medread.formats.metaimage.metaimage_header import read_header as read_meta

        return dict(read_meta(path).keys)
    if name == "nifti.nifti_reader":
        from napari_medread.formats.nifti.nifti_header import read_header as read_nifti

        return read_nifti(path).texts
    if name == "nrrd.nrrd_reader":
        from napari_medread.formats.nrrd.nrrd_header import read_header as read_nrrd

        header = read_nrrd(path)
        return {**header.fields, **header.keys}
    return None
