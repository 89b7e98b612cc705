"""Buttons of one width, in rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from magicgui.widgets import Container
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QWidget


class Buttons(QWidget):
    """Rows of buttons, of which all, some or none are in use.

    Parameters
    ----------
    most : int
        How many there can be.
    columns : int
        How many stand in a row.
    choice : bool
        Whether the last one clicked stays pressed.

    Attributes
    ----------
    clicked : Signal(int)
        Which one was clicked.
    """

    clicked = Signal(int)

    def __init__(self, most: int, columns: int, *, choice: bool = False) -> None:
        super().__init__()
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for column in range(columns):
            layout.setColumnStretch(column, 1)  # as wide as the others, used or not
        self.buttons = [QPushButton() for _ in range(most)]
        for n, button in enumerate(self.buttons):
            button.setCheckable(choice)
            # Their texts do not count, or a long one would take room from the others.
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, n=n: self.clicked.emit(n))
            layout.addWidget(button, *divmod(n, columns))

    def offer(self, named: Sequence[tuple[str, str]]) -> None:
        """Show buttons by their texts and tooltips, and no others."""
        for n, button in enumerate(self.buttons):
            if n < len(named):
                text, tooltip = named[n]
                button.setText(text)
                button.setToolTip(tooltip)
            button.setVisible(n < len(named))

    def press(self, chosen: int | None) -> None:
        """Show one button as pressed, or none."""
        for n, button in enumerate(self.buttons):
            button.setChecked(n == chosen)


def in_a_row(*buttons: Any) -> Any:
    """Return buttons side by side."""
    found: Any = Container(widgets=buttons, layout="horizontal", labels=False)
    found.margins = (0, 0, 0, 0)
    return found
