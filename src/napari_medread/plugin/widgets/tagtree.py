"""The tree of a header: quick for thousands of elements, and steady from slice to slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QAbstractItemModel, QModelIndex, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeView

from napari_medread.core.tagfiles import COLUMNS
from napari_medread.core.tags import Key, Query, Tag, Tags, key_of

_LONGEST = 200
"""Letters of a value that are shown."""

_TIP = 2000
"""Letters of a value that are shown under the pointer."""

_WIDTHS = (126, 146, 30)
"""Of the columns before the last, in pixels."""

_TOP = -1


_MOST_OPENED = 200
"""So many parents of what was found are opened: laying out thousands would take too long."""


@dataclass(slots=True)
class _Node:
    tag: Tag
    key: Key
    parent: int
    row: int
    children: list[int] | None = None
    """None: not looked at yet."""


class TagModel(QAbstractItemModel):
    """The elements of a header that a query finds, with all above and inside them.

    Attributes
    ----------
    found : int
        How many the query finds.
    opened : list of int
        The nodes that what was found is in.
    """

    def __init__(self) -> None:
        super().__init__()
        self._nodes: list[_Node] = []
        self._top: list[int] = []
        self.found = 0
        self.opened: list[int] = []

    def show(self, tags: Tags, query: Query) -> None:
        """Hold other elements."""
        self.beginResetModel()
        self._nodes, self.found, self.opened = [], 0, []
        if query:
            self._top = self._search(tags, (), _TOP, query, inside=False)
        else:
            self._top = self._all(tags, (), _TOP)
        self.endResetModel()

    def _all(self, level: Sequence[Tag], above: Key, parent: int) -> list[int]:
        """Add the elements of one level; those inside them when they are looked at."""
        first = len(self._nodes)
        for place, tag in enumerate(level):
            self._nodes.append(_Node(tag, (*above, key_of(tag, place)), parent, place))
        return list(range(first, len(self._nodes)))

    def _search(
        self, level: Sequence[Tag], above: Key, parent: int, query: Query, *, inside: bool
    ) -> list[int]:
        """Add the elements of one level that are found, or are above or inside one that is."""
        kept: list[int] = []
        for place, tag in enumerate(level):
            is_found = query.finds(tag)
            if not (is_found or inside or tag.children):
                continue  # most elements are this
            self.found += is_found
            number, before = len(self._nodes), self.found
            node = _Node(tag, (*above, key_of(tag, place)), parent, len(kept))
            self._nodes.append(node)
            node.children = self._search(
                tag.children, node.key, number, query, inside=inside or is_found
            )
            if inside or is_found or node.children:
                kept.append(number)
            else:
                self._nodes.pop()
            if self.found > before:
                self.opened.append(number)
        return kept

    def node(self, index: QModelIndex) -> _Node | None:
        """Return what an index stands for."""
        return self._nodes[index.internalId()] if index.isValid() else None

    def index_of(self, number: int) -> QModelIndex:
        """Return the index of a node by its number."""
        return self.createIndex(self._nodes[number].row, 0, number)

    def index_at(self, key: Key) -> QModelIndex:
        """Return the index of the element at a place, an invalid one where there is none."""
        level, number = self._top, _TOP
        for depth in range(len(key)):
            number = next((n for n in level if self._nodes[n].key == key[: depth + 1]), _TOP)
            if number == _TOP:
                break
            level = self._inside(number)
        return QModelIndex() if number == _TOP else self.index_of(number)

    def _inside(self, number: int) -> list[int]:
        node = self._nodes[number]
        if node.children is None:
            node.children = self._all(node.tag.children, node.key, number)
        return node.children

    def _children(self, index: QModelIndex) -> list[int]:
        return self._inside(index.internalId()) if index.isValid() else self._top

    def hasChildren(self, parent: Any = QModelIndex()) -> bool:  # noqa: N802, B008
        """Tell whether there are elements in one, without looking at them."""
        node = self.node(parent)
        if node is None:
            return bool(self._top)
        inside = node.tag.children if node.children is None else node.children
        return parent.column() == 0 and bool(inside)

    def index(self, row: int, column: int, parent: Any = QModelIndex()) -> QModelIndex:  # noqa: B008
        """Return the index of a row."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, self._children(parent)[row])

    def parent(self, index: QModelIndex) -> QModelIndex:  # type: ignore[override]
        """Return the index of what an element is in."""
        node = self.node(index)
        if node is None or node.parent == _TOP:
            return QModelIndex()
        return self.index_of(node.parent)

    def rowCount(self, parent: Any = QModelIndex()) -> int:  # noqa: N802, B008
        """Return how many elements there are in one."""
        return 0 if parent.column() > 0 else len(self._children(parent))

    def columnCount(self, parent: Any = None) -> int:  # noqa: N802
        """Return the number of columns."""
        del parent
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:  # noqa: N802
        """Return the title of a column."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: Any, role: int = 0) -> Any:
        """Return the text of a cell, or its tooltip."""
        node = self.node(index)
        if node is None or role not in (
            Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole
        ):  # fmt: skip
            return None
        tag = node.tag
        if role == Qt.ItemDataRole.ToolTipRole:
            owner = f"\nPrivate to {tag.creator}" if tag.creator else ""
            return f"{tag.tag} {tag.name}{owner}\n{_short(_value(tag), _TIP)}".strip()
        first = tag.name if tag.is_item else tag.tag
        name = "" if tag.is_item else tag.name
        return (first, name, tag.vr, _short(_value(tag), _LONGEST))[index.column()]


class TagTree(QTreeView):
    """Shows a header; what is open, chosen and in view stays so from slice to slice.

    Attributes
    ----------
    chosen : Signal()
        Another element was chosen.
    copied : Signal()
        The keys for copying were pressed.
    """

    chosen = Signal()
    copied = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._elements = TagModel()
        self.setModel(self._elements)
        self.setUniformRowHeights(True)
        self.setIndentation(9)
        self.setStyleSheet("QTreeView::item { padding: 2px 0px; }")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        for column, width in enumerate(_WIDTHS):
            self.setColumnWidth(column, width)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.header().setStretchLastSection(True)
        self._open: set[Key] = set()
        self._current: Key | None = None
        self._is_filling = False
        self._is_searching = False
        self.expanded.connect(self._on_expanded)
        self.collapsed.connect(self._on_collapsed)
        self.selectionModel().currentChanged.connect(self._on_current)

    @property
    def found(self) -> int:
        """How many elements the query finds."""
        return self._elements.found

    def current(self) -> tuple[Key, Tag] | None:
        """Return the chosen element and where it is."""
        node = self._elements.node(self.currentIndex())
        return None if node is None else (node.key, node.tag)

    def show_tags(self, tags: Tags, query: Query) -> None:
        """Show the elements that a query finds."""
        before = self._current
        at, across = self.verticalScrollBar().value(), self.horizontalScrollBar().value()
        self._is_filling, self._is_searching = True, bool(query)
        try:
            self._elements.show(tags, query)
            opened = [self._elements.index_of(n) for n in self._elements.opened[:_MOST_OPENED]]
            if not query:
                opened = [self._elements.index_at(key) for key in sorted(self._open, key=len)]
            for index in opened:
                self.setExpanded(index, True)
            # Other formats have names and values alone.
            for column in (0, 2):
                self.setColumnHidden(column, bool(tags) and not any(tag.tag for tag in tags))
            if before is not None:
                self.setCurrentIndex(self._elements.index_at(before))
        finally:
            self._is_filling = False
        self.verticalScrollBar().setValue(at)
        self.horizontalScrollBar().setValue(across)
        self.chosen.emit()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Copy the chosen row, where Qt would copy one cell of it."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copied.emit()
        else:
            super().keyPressEvent(event)

    def _on_expanded(self, index: QModelIndex) -> None:
        node = self._elements.node(index)
        if node is not None and not self._is_filling and not self._is_searching:
            self._open.add(node.key)

    def _on_collapsed(self, index: QModelIndex) -> None:
        node = self._elements.node(index)
        if node is not None and not self._is_filling and not self._is_searching:
            self._open.discard(node.key)

    def _on_current(self, index: QModelIndex) -> None:
        if not self._is_filling:
            node = self._elements.node(index)
            self._current = None if node is None else node.key
            self.chosen.emit()


def _value(tag: Tag) -> str:
    value = tag.value.replace("\r\n", " ").replace("\n", " ")
    return f"{value}  ({tag.meaning})" if tag.meaning else value


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} letters)"
