"""Open medical images in napari: the right way round, to scale in millimetres."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_medread.api import read, write
    from napari_medread.processing.volume_resampling import resample
    from napari_medread.tag_reading import tags

__version__ = "0.1.0"

__all__ = ["__version__", "read", "resample", "tags", "write"]

_PLACES = {
    "read": "api",
    "write": "api",
    "tags": "tag_reading",
    "resample": "processing.volume_resampling",
}
"""Where they are. They import much, for which a panel that is opened should not wait."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
