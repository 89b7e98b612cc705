"""Open medical images in napari and in Python: the right way round, to scale in millimetres.

These names are the public interface. Each is imported when it is first used, as some of them
import large libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_medread.api import read, read_contours, read_volume, write
    from napari_medread.catalogue import browse
    from napari_medread.core.contours import ContourSet
    from napari_medread.core.geometry import Geometry
    from napari_medread.core.volume import Axis, Volume
    from napari_medread.errors import Cancelled, CannotWrite, MedReadError, UnreadableFile
    from napari_medread.processing.volume_resampling import resample
    from napari_medread.tag_reading import tags

__version__ = "0.1.0"

__all__ = [
    "Axis",
    "Cancelled",
    "CannotWrite",
    "ContourSet",
    "Geometry",
    "MedReadError",
    "UnreadableFile",
    "Volume",
    "__version__",
    "browse",
    "read",
    "read_contours",
    "read_volume",
    "resample",
    "tags",
    "write",
]

_MODULES = {
    "Axis": "core.volume",
    "Cancelled": "errors",
    "CannotWrite": "errors",
    "ContourSet": "core.contours",
    "Geometry": "core.geometry",
    "MedReadError": "errors",
    "UnreadableFile": "errors",
    "Volume": "core.volume",
    "browse": "catalogue",
    "read": "api",
    "read_contours": "api",
    "read_volume": "api",
    "resample": "processing.volume_resampling",
    "tags": "tag_reading",
    "write": "api",
}
"""Public name to the module that defines it."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
