"""Notifications: the notes on what was opened, gathered in one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from napari.utils.notifications import show_warning

from napari_medread.plugin.gui.preferences import get_preference

MAX_NOTES_SHOWN = 5
"""Number of notes that fit into one notification."""


def show_notes(named_notes: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Show the notes on layers opened together as one notification, each with its layers' names.

    Nothing is shown where there are no notes, or the user has switched it off in the preferences.

    Parameters
    ----------
    named_notes : iterable of (str, sequence of str)
        The name of each layer, and the notes on it.
    """
    names_by_note: dict[str, list[str]] = {}
    for name, notes in named_notes:
        for note in notes:
            names_by_note.setdefault(note, []).append(name)
    lines = [f"{_join_names(names)}: {note}" for note, names in names_by_note.items()]
    if not lines or not get_preference("opening", "show_notes"):
        return
    more = len(lines) - MAX_NOTES_SHOWN
    if more > 0:
        lines = [*lines[:MAX_NOTES_SHOWN], f"… and {more} more, in each layer's metadata['notes']."]
    show_warning("\n".join(lines))


def _join_names(names: Sequence[str]) -> str:
    if len(names) < 3:
        return " and ".join(names)
    return f"{names[0]} and {len(names) - 1} more"
