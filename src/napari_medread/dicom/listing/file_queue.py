"""Files to read, of which more are found while the first are being read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

_SEARCH_SHARE = 0.25
"""Share of the time that goes into finding files before they are needed, to know their number."""

_SEARCH_BATCH = 32
"""Number of files that are found between two looks at the clock."""


class FileQueue(Sequence[Path]):
    """Files that are found by an iterator, as a sequence that grows while it is gone through.

    Its length is the number of files found so far. It can be gone through once.

    Parameters
    ----------
    files : iterator of Path
        Finds the files.

    Attributes
    ----------
    is_complete : bool
        Whether all files were found.
    """

    def __init__(self, files: Iterator[Path]) -> None:
        self._files = files
        self._waiting: deque[Path] = deque()
        self._count = 0
        self.is_complete = False

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        raise TypeError("The files of a queue are gone through from the first to the last.")

    def __iter__(self) -> Iterator[Path]:
        start = perf_counter()
        finding_time = 0.0
        while True:
            now = perf_counter()
            if not self._waiting or finding_time < _SEARCH_SHARE * (now - start):
                self._find_next(_SEARCH_BATCH)
                finding_time += perf_counter() - now
            if not self._waiting:
                return
            yield self._waiting.popleft()

    def find_all(self) -> None:
        """Find all files now."""
        while not self.is_complete:
            self._find_next(_SEARCH_BATCH)

    def _find_next(self, count: int) -> None:
        for _ in range(count):
            if self.is_complete:
                return
            file = next(self._files, None)
            if file is None:
                self.is_complete = True
            else:
                self._waiting.append(file)
                self._count += 1
