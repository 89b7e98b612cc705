"""The example data of the menu File > Open Sample."""

from __future__ import annotations

from pathlib import Path

from napari_medread.errors import UnreadableFile
from napari_medread.plugin.bridge.volume_to_layer import LayerData
from napari_medread.plugin.reader import read_layers

_PACKAGE = Path(__file__).resolve().parent.parent
_EXAMPLE_FOLDERS = (_PACKAGE / "example_data", _PACKAGE.parent.parent / "example_data")
"""Folders of the example data: in an installed package, and in a checkout."""


def find_example(name: str) -> Path:
    """Return the path of an example file or folder.

    Raises
    ------
    UnreadableFile
        If the example data are not installed.
    """
    for folder in _EXAMPLE_FOLDERS:
        if (folder / name).exists():
            return folder / name
    raise UnreadableFile(f"{name}: the example data are not installed.")


def ct_thorax() -> list[LayerData]:
    """Return the DICOM CT series of a chest."""
    return read_layers(str(find_example("ct_thorax")))


def mr_sagittal() -> list[LayerData]:
    """Return the oblique sagittal DICOM MR series."""
    return read_layers(str(find_example("mr_sagittal")))


def chest_ct() -> list[LayerData]:
    """Return the three-dimensional MetaImage."""
    return read_layers(str(find_example("chest_ct.mhd")))


def chest_xray() -> list[LayerData]:
    """Return the two-dimensional MetaImage."""
    return read_layers(str(find_example("chest_xray.mhd")))


def chest_section() -> list[LayerData]:
    """Return the colour picture."""
    return read_layers(str(find_example("chest_section.png")))
