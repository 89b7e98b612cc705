"""The notes on what was opened, as one notification."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from napari.utils.notifications import show_warning

from napari_medread.plugin.gui.preferences import get_preference

MAX_NOTES_SHOWN = 5
"""Notes that fit into one notification."""


def show_notes(opened: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Show all notes of one opening as one notification, each with the name of its layer.

    Parameters
    ----------
    opened : iterable of (str, sequence of str)
        Names and notes of the layers.
    """
    named: dict[str, list[str]] = {}
    for name, notes in opened:
        for note in notes:
            named.setdefault(note, []).append(name)
    lines = [f"{_and_more(names)}: {note}" for note, names in named.items()]
    if not lines or not get_preference("opening", "show_notes"):
        return
    more = len(lines) - MAX_NOTES_SHOWN
    if more > 0:
        lines = [*lines[:MAX_NOTES_SHOWN], f"… and {more} more, in each layer's metadata['notes']."]
    show_warning("\n".join(lines))


def _and_more(names: Sequence[str]) -> str:
    if len(names) < 3:
        return " and ".join(names)
    return f"{names[0]} and {len(names) - 1} more"
