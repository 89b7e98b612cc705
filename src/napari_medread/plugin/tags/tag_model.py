"""The rows of a header as a model for Qt."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QAbstractItemModel, QModelIndex, Qt

from napari_medread.core.tag_elements import Tag
from napari_medread.core.tag_export import HEADER_COLUMNS
from napari_medread.core.tag_rows import TOP_LEVEL, TagRow, TagRows

_MAX_VALUE_LENGTH = 200
"""Characters of a value that the tree shows."""

_MAX_TOOLTIP_LENGTH = 2000
"""Characters of a value that the tooltip shows."""

_DISPLAYED, _TOOLTIP = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole


class TagModel(QAbstractItemModel):
    """Holds rows, and makes those below a row when Qt asks for them.

    Qt calls these methods for every row when it lays out a tree, so each has to be fast.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows = TagRows()

    def show(self, rows: TagRows) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def row_at(self, index: QModelIndex) -> TagRow | None:
        """Return the row of an index, None for an invalid one."""
        return self.rows[index.internalId()] if index.isValid() else None

    def index_of(self, number: int | None) -> QModelIndex:
        """Return the index of a row by its number; for None, an invalid one."""
        if number is None:
            return QModelIndex()
        return self.createIndex(self.rows[number].position, 0, number)

    def hasChildren(self, parent: Any = QModelIndex()) -> bool:  # noqa: N802, B008
        """Return whether there are rows below a row, without making them."""
        if not parent.isValid():
            return bool(self.rows.top_level)
        return parent.column() == 0 and self.rows.has_children(parent.internalId())

    def index(self, row: int, column: int, parent: Any = QModelIndex()) -> QModelIndex:  # noqa: B008
        """Return the index of a row below another."""
        level = self.rows.get_children(parent.internalId() if parent.isValid() else TOP_LEVEL)
        if 0 <= row < len(level) and 0 <= column < len(HEADER_COLUMNS):
            return self.createIndex(row, column, level[row])
        return QModelIndex()

    def parent(self, index: QModelIndex) -> QModelIndex:  # type: ignore[override]
        """Return the index of the row around a row."""
        row = self.row_at(index)
        return (
            QModelIndex() if row is None or row.parent == TOP_LEVEL else self.index_of(row.parent)
        )

    def rowCount(self, parent: Any = QModelIndex()) -> int:  # noqa: N802, B008
        """Return the number of rows below a row."""
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
            return f"{tag.tag} {tag.name}{owner}\n{_format_value(tag, _MAX_TOOLTIP_LENGTH)}".strip()
        if row.group_range is not None or tag.is_item:
            return (tag.name, "", "", "")[index.column()]
        column = index.column()
        if column == len(HEADER_COLUMNS) - 1:
            return _format_value(tag, _MAX_VALUE_LENGTH)
        return (tag.tag, tag.name, tag.vr)[column]


def _format_value(tag: Tag, max_length: int) -> str:
    """Return a value on one line, cut where it is long."""
    text = tag.value
    if len(text) > max_length:
        text = f"{text[:max_length]}… ({len(text):,} characters)"
    text = text.replace("\r\n", " ").replace("\n", " ")
    return f"{text}  ({tag.meaning})" if tag.meaning else text
