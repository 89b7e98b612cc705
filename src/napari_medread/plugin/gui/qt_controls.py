"""Qt's own controls, made alike in all panels that use them."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QWidget

_BOX = 84
"""Height of a box of sentences in pixels."""


def button(text: str, tooltip: str) -> QPushButton:
    """Return a button that Enter in a line or in a tree does not press."""
    made = QPushButton(text)
    made.setToolTip(tooltip)
    made.setAutoDefault(False)
    return made


def sentence() -> QLabel:
    """Return room for a sentence, which wraps."""
    label = QLabel()
    label.setWordWrap(True)
    return label


def sentences() -> QPlainTextEdit:
    """Return a box for sentences, however many there are."""
    box = QPlainTextEdit()
    box.setReadOnly(True)
    box.setMaximumHeight(_BOX)
    return box


def line_of(*widgets: QWidget) -> QHBoxLayout:
    """Return controls beside one another."""
    line = QHBoxLayout()
    for widget in widgets:
        line.addWidget(widget)
    return line
