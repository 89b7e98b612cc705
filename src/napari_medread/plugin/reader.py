"""The reader of the manifest: called when something is opened or dropped on napari."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from napari import current_viewer
from napari.utils import progress
from napari.utils.notifications import show_info, show_warning

from napari_medread import api
from napari_medread.core.contours import ContourSet
from napari_medread.core.progress import Progress
from napari_medread.core.volume import Volume
from napari_medread.dicom.headers.file_discovery import is_dicom
from napari_medread.errors import Cancelled
from napari_medread.plugin.arrival.viewer_follower import announce_layers
from napari_medread.plugin.bridge.contours_to_layer import contours_to_layer
from napari_medread.plugin.bridge.layer_names import name_arriving_layers
from napari_medread.plugin.bridge.volume_to_layer import LayerData, to_layers
from napari_medread.plugin.gui.preferences import get_lazy_above_bytes
from napari_medread.plugin.gui.responsive_call import call_responsively
from napari_medread.plugin.gui.viewer_references import unwrap_viewer
from napari_medread.plugin.labels.label_offer import show_notes_and_offers

Paths = str | Sequence[str]
NO_LAYERS: list[Any] = [(None,)]
"""What a reader returns to napari for a path that was read but adds no layer."""


def get_reader(path: Paths) -> Callable[[Paths], list[LayerData]] | None:
    """Return ``read_layers`` if a path looks readable, else None. Never raises."""
    try:
        paths = [path] if isinstance(path, str | os.PathLike) else list(path)
        if any(api.is_readable(p) for p in paths):
            return read_layers
        if any(Path(p).is_dir() for p in paths):
            names = ", ".join(Path(p).name for p in paths)
            show_warning(f"{names}: {api.NO_READABLE_IMAGE}")
    except Exception:  # noqa: BLE001  (napari asks every reader, and stops at one that raises)
        return None
    return None


def read_layers(path: Paths) -> list[LayerData]:
    """Read a path, or several together, into layer data.

    If napari opens many files one by one, all DICOM files among them are read with the first
    one, so that a series becomes one volume.
    """
    paths: list[str] = [path] if isinstance(path, str | os.PathLike) else list(path)
    try:
        if len(paths) == 1:
            files = _find_files_dropped_together(paths[0])
            if files and files[0] != paths[0]:
                return NO_LAYERS
            paths = files or paths
        contents, layers = call_responsively(
            partial(_read, paths, get_lazy_above_bytes()), "Opening files"
        )
    except Cancelled:
        show_info("Opening was cancelled. Nothing was loaded.")
        return NO_LAYERS
    name_arriving_layers(unwrap_viewer(current_viewer()), layers)
    names = [str(attributes["name"]) for _, attributes, _ in layers]
    show_notes_and_offers(
        [(name, each.notes, each.source) for name, each in zip(names, contents, strict=True)]
    )
    return announce_layers(layers)


def _read(
    paths: Sequence[str], lazy_above: int | None, progress: Progress
) -> tuple[list[Volume | ContourSet], list[LayerData]]:
    """Return the volumes and contours at paths and their layer data; called in a thread."""
    volumes, contours = api.read_with_lines(paths, progress=progress, lazy_above=lazy_above)
    layers = to_layers(volumes)
    layers += [contours_to_layer(each, visible=not volumes) for each in contours]
    return [*volumes, *contours], layers


def _find_files_dropped_together(path: str) -> list[str]:
    """Return the DICOM files that napari is opening one by one, this one among them.

    The list is empty if napari opens only this path. napari does not pass the list to a reader,
    but its progress bar holds it. If a later napari has no such bar, every file is opened
    separately, and the user is told to drop the folder.
    """
    if not (Path(path).is_file() and is_dicom(Path(path))):
        return []
    bars = getattr(progress, "_all_instances", None)
    if bars is None:
        show_info("To open a DICOM series as one volume, drop its folder.")
        return []
    for bar in list(bars):
        items = getattr(bar, "iterable", None)
        if not isinstance(items, list) or len(items) < 2 or path not in items:
            continue
        # Done once per drop and not once per file, as a series may have thousands of files.
        if not hasattr(bar, "_medread_dicom"):
            bar._medread_dicom = [""]  # until they are found, or if that is cancelled: none
            bar._medread_dicom = call_responsively(partial(_keep_dicom, items), "Opening files")
        dicom_files: list[str] = bar._medread_dicom
        return dicom_files
    return []


def _keep_dicom(paths: Sequence[Any], progress: Progress) -> list[str]:
    """Return the DICOM files among what napari was given to open; called in a thread."""
    return [
        path
        for path in progress(paths, "Finding DICOM files")
        if isinstance(path, str) and Path(path).is_file() and is_dicom(Path(path))
    ]
