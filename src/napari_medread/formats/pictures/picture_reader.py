"""Reads pictures: JPEG, PNG, BMP, GIF and TIFF files, and imageio's standard pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from imageio.core.fetching import get_remote_file
from imageio.core.request import EXAMPLE_IMAGES
from PIL import UnidentifiedImageError

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.core.warning_filters import suppress_warnings
from napari_medread.errors import UnreadableFile
from napari_medread.formats.pictures.pillow_pictures import read_pillow_picture
from napari_medread.formats.pictures.tiff_pictures import read_tiff
from napari_medread.formats.registry import IMAGEIO_SCHEME, find_format


def read(path: Path, progress: Progress = no_progress) -> list[Volume]:
    """Read a picture: grey, RGB or RGBA with 8 or 16 bits; several frames or pages are a stack.

    Parameters
    ----------
    path : Path
        The picture.
    progress : Progress
        Not used: decoders read a picture in one call.

    Returns
    -------
    list of Volume
        One volume. Its pixels have a size in mm if a TIFF or PNG gives a plausible one.

    Raises
    ------
    UnreadableFile
        If the picture is corrupt, or of a kind that cannot be read.
    """
    del progress
    decode = read_tiff if path.suffix.lower() in (".tif", ".tiff") else read_pillow_picture
    try:
        with suppress_warnings():  # decoders warn about unusual but harmless tags
            return [decode(path)]
    except UnreadableFile:
        raise
    # Decoders raise many kinds of exceptions for corrupt files.
    except Exception as error:
        raise UnreadableFile(
            f"{path.name}: this picture cannot be read ({_describe_decoder_error(error)})."
        ) from error


def read_standard_picture(uri: str) -> list[Volume]:
    """Read one of imageio's standard pictures, such as ``imageio:chelsea.png``.

    It is downloaded the first time and then kept on this computer.

    Raises
    ------
    UnreadableFile
        If there is no picture of that name, or it cannot be downloaded.
    """
    name = uri.removeprefix(IMAGEIO_SCHEME).lstrip("/")
    if name not in EXAMPLE_IMAGES or find_format(Path(name)) is None:
        raise UnreadableFile(f"{IMAGEIO_SCHEME}{name}: there is no standard picture of this name.")
    try:
        path = Path(get_remote_file(f"images/{name}"))  # type: ignore[no-untyped-call]
    except Exception as error:  # many kinds, from no network to a full disk
        raise UnreadableFile(
            f"{IMAGEIO_SCHEME}{name}: this picture could not be downloaded. Check the "
            "internet connection."
        ) from error
    # The user has not opened the copy that imageio keeps.
    return [replace(volume, source=()) for volume in read(path)]


def _describe_decoder_error(error: Exception) -> str:
    """Return the problem that a decoder reports, without the path that it may contain."""
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture, or its start is damaged"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
