"""Tables of measurements, read as a person reads them."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt


def rows_of(widget: Any) -> list[dict[str, str]]:
    """Return what the table shows."""
    found: dict[str, dict[str, str]] = {}
    for block in widget.view.blocks:
        model = block.model()
        for row in range(model.rowCount() if block.isVisible() else 0):
            name = model.headerData(row, Qt.Orientation.Vertical)
            title, number = name.rsplit(" ", 1)
            cells = found.setdefault(name, {title: number})
            for column in range(model.columnCount()):
                head = model.headerData(column, Qt.Orientation.Horizontal).replace("\n", " ")
                cells[head] = model.index(row, column).data()
    return list(found.values())
