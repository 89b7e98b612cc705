"""What a person has chosen in napari's preferences."""

from __future__ import annotations

from typing import Any

from napari.settings import get_plugin_settings

PLUGIN = "napari-medread"


def preference(group: str, name: str) -> Any:
    """Return a setting of the manifest's ``configurations``, its default if never changed.

    Parameters
    ----------
    group, name : str
        Its keys in the manifest.
    """
    return getattr(getattr(get_plugin_settings(PLUGIN), group), name)


def lazy_above() -> int | None:
    """Return the size in bytes above which slices are to be read when they are looked at."""
    megabytes = preference("opening", "lazy_megabytes")
    return int(megabytes * 1e6) if megabytes > 0 else None
