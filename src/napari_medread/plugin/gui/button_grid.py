"""A grid of buttons of one width."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QWidget


class ButtonGrid(QWidget):
    """Buttons in rows, of which as many are shown as there are choices.

    Parameters
    ----------
    max_buttons : int
        The largest number of buttons.
    columns : int
        Buttons in a row.
    is_choice : bool
        Whether the last one clicked stays pressed.

    Attributes
    ----------
    clicked : Signal(int)
        The index of the button that was clicked.
    """

    clicked = Signal(int)

    def __init__(self, max_buttons: int, columns: int, *, is_choice: bool = False) -> None:
        super().__init__()
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for column in range(columns):
            layout.setColumnStretch(column, 1)  # all columns are equally wide, empty or not
        self.buttons = [QPushButton() for _ in range(max_buttons)]
        for n, button in enumerate(self.buttons):
            button.setCheckable(is_choice)
            # The texts do not count, or a long one would take width from the others.
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, n=n: self.clicked.emit(n))
            layout.addWidget(button, *divmod(n, columns))

    def set_buttons(self, texts: Sequence[tuple[str, str]]) -> None:
        """Show one button for each (text, tooltip), and hide the others."""
        for n, button in enumerate(self.buttons):
            if n < len(texts):
                text, tooltip = texts[n]
                button.setText(text)
                button.setToolTip(tooltip)
            button.setVisible(n < len(texts))

    def set_pressed(self, index: int | None) -> None:
        """Show one button as pressed, or none."""
        for n, button in enumerate(self.buttons):
            button.setChecked(n == index)
