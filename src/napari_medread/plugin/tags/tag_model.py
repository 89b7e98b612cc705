"""The rows of a header as Qt asks for them."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QAbstractItemModel, QModelIndex, Qt

from napari_medread.core.tag_elements import Tag
from napari_medread.core.tag_export import HEADER_COLUMNS
from napari_medread.core.tag_rows import TOP_LEVEL, TagRow, TagRows

_LONGEST = 200
"""Letters of a value that are shown."""

_TIP = 2000
"""Letters of a value that are shown under the pointer."""

_DISPLAYED, _TOOLTIP = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole


class TagModel(QAbstractItemModel):
    """Holds rows, and asks for those inside one when Qt does.

    Laying out a tree, Qt calls these methods for every row of it: each has to be short.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows = TagRows()

    def show(self, rows: TagRows) -> None:
        """Hold other rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def row_at(self, index: QModelIndex) -> TagRow | None:
        """Return what an index stands for."""
        return self.rows[index.internalId()] if index.isValid() else None

    def index_of(self, number: int | None) -> QModelIndex:
        """Return the index of a row by its number, an invalid one for None."""
        if number is None:
            return QModelIndex()
        return self.createIndex(self.rows[number].position, 0, number)

    def hasChildren(self, parent: Any = QModelIndex()) -> bool:  # noqa: N802, B008
        """Tell whether there are rows in one, without making them."""
        if not parent.isValid():
            return bool(self.rows.top_level)
        return parent.column() == 0 and self.rows.has_children(parent.internalId())

    def index(self, row: int, column: int, parent: Any = QModelIndex()) -> QModelIndex:  # noqa: B008
        """Return the index of a row in another."""
        level = self.rows.get_children(parent.internalId() if parent.isValid() else TOP_LEVEL)
        if 0 <= row < len(level) and 0 <= column < len(HEADER_COLUMNS):
            return self.createIndex(row, column, level[row])
        return QModelIndex()

    def parent(self, index: QModelIndex) -> QModelIndex:  # type: ignore[override]
        """Return the index of what a row is in."""
        row = self.row_at(index)
        return (
            QModelIndex() if row is None or row.parent == TOP_LEVEL else self.index_of(row.parent)
        )

    def rowCount(self, parent: Any = QModelIndex()) -> int:  # noqa: N802, B008
        """Return how many rows there are in one."""
        if not parent.isValid():
            return len(self.rows.top_level)
        return 0 if parent.column() > 0 else len(self.rows.get_children(parent.internalId()))

    def columnCount(self, parent: Any = None) -> int:  # noqa: N802
        """Return the number of columns."""
        del parent
        return len(HEADER_COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:  # noqa: N802
        """Return the title of a column."""
        if orientation == Qt.Orientation.Horizontal and role == _DISPLAYED:
            return HEADER_COLUMNS[section]
        return None

    def data(self, index: Any, role: int = 0) -> Any:
        """Return the text of a cell, or its tooltip."""
        if role not in (_DISPLAYED, _TOOLTIP):
            return None
        row = self.row_at(index)
        if row is None:
            return None
        tag = row.tag
        if role == _TOOLTIP:
            owner = f"\nPrivate to {tag.creator}" if tag.creator else ""
            return f"{tag.tag} {tag.name}{owner}\n{_value(tag, _TIP)}".strip()
        if row.group_range is not None or tag.is_item:
            return (tag.name, "", "", "")[index.column()]
        column = index.column()
        if column == len(HEADER_COLUMNS) - 1:
            return _value(tag, _LONGEST)
        return (tag.tag, tag.name, tag.vr)[column]


def _value(tag: Tag, longest: int) -> str:
    """Return a value in one line, of a long one its start."""
    text = tag.value
    if len(text) > longest:
        text = f"{text[:longest]}… ({len(text):,} letters)"
    text = text.replace("\r\n", " ").replace("\n", " ")
    return f"{text}  ({tag.meaning})" if tag.meaning else text
