"""Keeping napari's warning about units from people who can do nothing about it."""

from __future__ import annotations

from typing import Any

from napari.utils.notifications import notification_manager

NAPARI_UNIT_WARNING = "Inconsistent units across layers"
"""How the warning begins that napari shows whenever it draws layers whose units do not compare."""


def hide_unit_warnings() -> None:
    """Keep napari from showing its warning about units, which comes with every layer again.

    Runs over time (s) and over b-values (no unit), or a picture in pixels beside a volume in mm,
    have units that do not compare. napari then draws the numbers as they are, which is right for
    layers in mm; of a picture without a known size, its notes tell.
    """
    emitter = notification_manager.notification_ready
    if _stop_unit_warning not in emitter.callbacks:
        emitter.connect(_stop_unit_warning, position="first")


def _stop_unit_warning(event: Any) -> None:
    if str(event.message).startswith(NAPARI_UNIT_WARNING):
        event.blocked = True  # no further callback: neither the window nor the terminal show it
