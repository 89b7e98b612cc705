"""The npe2 reader: what happens when something is dropped on napari."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari.utils import progress
from napari.utils.notifications import show_info, show_warning

from napari_medread import api
from napari_medread.dicom.headers.file_discovery import is_dicom
from napari_medread.errors import Cancelled
from napari_medread.plugin.bridge.volume_to_layer import LayerData, to_layers
from napari_medread.plugin.gui.notifications import show_notes
from napari_medread.plugin.gui.preferences import get_lazy_above_bytes
from napari_medread.plugin.gui.reader_progress import show_cancelable_progress

Paths = str | Sequence[str]
NO_LAYERS: list[Any] = [(None,)]
"""napari's sign for a path that was read and adds no layer."""


def get_reader(path: Paths) -> Callable[[Paths], list[LayerData]] | None:
    """Return the reader if there is anything of ours at a path, else None; never raise."""
    try:
        paths = [path] if isinstance(path, str | os.PathLike) else list(path)
        if any(api.is_readable(p) for p in paths):
            return read_layers
        if any(Path(p).is_dir() for p in paths):
            names = ", ".join(Path(p).name for p in paths)
            show_warning(f"{names}: {api.NO_READABLE_IMAGE}")
    except Exception:  # noqa: BLE001  (napari asks every reader; one that raises stops it)
        return None
    return None


def read_layers(path: Paths) -> list[LayerData]:
    """Read a path, or several together, into layer data.

    Where napari opens many files one by one, the DICOM files among them are all read
    with the first, so that a series comes out as its one volume, once.
    """
    paths: list[str] = [path] if isinstance(path, str | os.PathLike) else list(path)
    if len(paths) == 1:
        siblings = _find_files_dropped_together(paths[0])
        if siblings and siblings[0] != paths[0]:
            return NO_LAYERS
        paths = siblings or paths
    try:
        volumes = api.read(
            paths, progress=show_cancelable_progress, lazy_above=get_lazy_above_bytes()
        )
    except Cancelled:
        show_info("Opening was cancelled: nothing was loaded.")
        return NO_LAYERS
    show_notes([(volume.name, volume.notes) for volume in volumes])
    return to_layers(volumes)


def _find_files_dropped_together(path: str) -> list[str]:
    """Return the DICOM files that napari is opening one by one together with this one.

    Empty where it opens this path alone. napari gives a reader no such list, but the bar
    that shows its progress holds it. Should that change, every file opens on its own and
    the person is told what to do instead.
    """
    if not (Path(path).is_file() and is_dicom(Path(path))):
        return []
    bars = getattr(progress, "_all_instances", None)
    if bars is None:
        show_info("To open a whole DICOM series as one volume, drop its folder.")
        return []
    for bar in list(bars):
        opened = getattr(bar, "iterable", None)
        if not isinstance(opened, list) or len(opened) < 2 or path not in opened:
            continue
        # Found once per drop, not once per file: a series may have thousands.
        if not hasattr(bar, "_medread_dicom"):
            files = [p for p in opened if isinstance(p, str) and Path(p).is_file()]
            bar._medread_dicom = [p for p in files if is_dicom(Path(p))]
        found: list[str] = bar._medread_dicom
        return found
    return []
