"""Keeping napari's warning about units from people who can do nothing about it."""

from __future__ import annotations

import sys
from typing import Any

NAPARI_UNIT_WARNING = "Inconsistent units across layers"
"""How the warning begins that napari shows whenever it draws layers whose units do not compare."""

_CANVAS_MODULE = "napari._vispy.canvas"
"""The module of napari that shows the warning, once after every layer that is added or removed."""


def hide_unit_warnings() -> None:
    """Keep napari from showing its warning about units.

    Runs over time (s) and over b-values (no unit), or a picture in pixels beside a volume in mm,
    have units that do not compare. napari then draws the numbers as they are, which is right for
    layers in mm; of a picture without a known size, its notes tell.

    napari shows the warning as a notification, and calls its own callbacks of notifications before
    any other. So the function that it calls is replaced in that one module. Where a later napari
    has none, nothing changes.
    """
    canvas: Any = sys.modules.get(_CANVAS_MODULE)
    show = getattr(canvas, "show_warning", None)
    if show is not None and not isinstance(show, _OtherWarnings):
        canvas.show_warning = _OtherWarnings(show)


class _OtherWarnings:
    """Shows all warnings but that about units."""

    def __init__(self, show: Any) -> None:
        self._show = show

    def __call__(self, message: str) -> None:
        if not message.startswith(NAPARI_UNIT_WARNING):
            self._show(message)
