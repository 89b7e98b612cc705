"""The plugin's settings in napari's preferences."""

from __future__ import annotations

from typing import Any

from napari.settings import get_plugin_settings

PLUGIN_NAME = "napari-medread"


def get_preference(group: str, name: str) -> Any:
    """Return a setting, or its default if the user never changed it.

    Parameters
    ----------
    group, name : str
        Its keys under ``configurations`` in the manifest.
    """
    return getattr(getattr(get_plugin_settings(PLUGIN_NAME), group), name)


def get_lazy_above_bytes() -> int | None:
    """Return the size above which slices are loaded on demand; None: always all at once."""
    megabytes = get_preference("opening", "lazy_megabytes")
    return int(megabytes * 1e6) if megabytes > 0 else None
