"""Notifications: the notes on what was opened, gathered in one, and offers with buttons."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from napari.utils.notifications import Notification, notification_manager, show_warning

from napari_medread.core.volume import SKIPPED
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
    lines = [
        # Which files were skipped has nothing to do with the layer that carries the note.
        note if note.startswith(SKIPPED) else f"{join_names(names)}: {note}"
        for note, names in names_by_note.items()
    ]
    if not lines or not get_preference("opening", "show_notes"):
        return
    more = len(lines) - MAX_NOTES_SHOWN
    if more > 0:
        lines = [*lines[:MAX_NOTES_SHOWN], f"… and {more} more, in each layer's metadata['notes']."]
    show_warning("\n".join(lines))


def show_offer(sentence: str, actions: Mapping[str, Callable[[], Any]]) -> None:
    """Show a notification with a button for each action; it stays until it is answered or closed.

    Without a window, the sentence is printed, as those of all notifications are.

    Parameters
    ----------
    sentence : str
        What is the matter.
    actions : mapping of str to callable
        The text of each button, and what a click on it calls. A function must hold viewers and
        layers by weak references only, as the notification may stay for long.
    """
    calls = [(text, _ignore_dialog(function)) for text, function in actions.items()]
    notification = Notification(sentence, "warning", calls)
    notification_manager.dispatch(notification)
    # napari keeps every notification until it quits; only the dialog needs the functions.
    notification.actions = ()
    _keep_open(sentence)


def _ignore_dialog(function: Callable[[], Any]) -> Callable[..., None]:
    """Return a function as napari calls it: with the dialog in the window."""

    def call(*_: Any) -> None:
        function()

    return call


def _keep_open(sentence: str) -> None:
    """Show the whole sentence, for as long as it takes to read and answer it.

    napari closes a dialog after 4 s and shows one line of it, whatever buttons it has, and has no
    public way to change that. Where a later napari has no such dialog, it stays as it is.
    """
    with contextlib.suppress(ImportError, AttributeError):  # napari without Qt is one reason
        from napari._qt.dialogs.qt_notification import NapariQtNotification
        from qtpy.QtCore import Qt

        for dialog in NapariQtNotification._instances:
            if dialog.message.text() != sentence:
                continue
            dialog.DISMISS_AFTER = 0
            dialog.timer_stop()
            dialog.geom_anim.stop()  # it would give the dialog the height of one line
            dialog.source_label.hide()
            dialog.layout().activate()
            metrics, width = dialog.message.fontMetrics(), dialog.message.width()
            text = metrics.boundingRect(0, 0, width, 0, Qt.TextFlag.TextWordWrap, sentence)
            # The label cuts the text where it has no height for one more line.
            dialog.message.setMinimumHeight(text.height() + metrics.lineSpacing())
            height = dialog.message.minimumHeight() + dialog.minimumHeight()
            dialog.setMinimumHeight(height)
            dialog.resize(dialog.width(), height)
            dialog.move_to_bottom_right()


def join_names(names: Sequence[str]) -> str:
    """Return one or two names, or the first and how many more there are."""
    if len(names) < 3:
        return " and ".join(names)
    return f"{names[0]} and {len(names) - 1} more"
