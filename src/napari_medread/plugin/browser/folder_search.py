"""A search of a folder or DICOMDIR, whose rows can be shown before it ends. No Qt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from napari_medread.core.progress import Progress
from napari_medread.plugin.browser.catalogue_rows import CatalogueRow, make_rows

if TYPE_CHECKING:  # this imports what reads DICOM, for which opening the panel should not wait
    from napari_medread.catalogue import Catalogue, CatalogueSearch


class ListedRows(NamedTuple):
    """What was found, and the rows that show it.

    Attributes
    ----------
    catalogue : Catalogue
    rows : list of CatalogueRow
        With patients' names.
    """

    catalogue: Catalogue
    rows: list[CatalogueRow]


class FolderSearch:
    """A search that runs in one thread, and is followed from another.

    Parameters
    ----------
    path : Path
        A folder, a DICOMDIR or a file.
    is_rescan : bool
        Whether the list of an earlier search is shown meanwhile, and this one only at its end.
    """

    def __init__(self, path: Path, *, is_rescan: bool) -> None:
        self.path = path
        self.is_rescan = is_rescan
        self._search: CatalogueSearch | None = None
        self._latest: ListedRows | None = None

    def run(self, progress: Progress) -> ListedRows:
        """Search, and return what there is. Runs in the background."""
        from napari_medread.catalogue import CatalogueSearch

        self._search = CatalogueSearch(self.path, None if self.is_rescan else self._publish)
        catalogue = self._search.run(progress)
        return ListedRows(catalogue, make_rows(catalogue, names=True))

    def take_latest(self) -> ListedRows | None:
        """Return what was found so far, once; None where nothing was found since the last time."""
        latest, self._latest = self._latest, None
        return latest

    @property
    def done_share(self) -> float | None:
        """How much is done, from 0 to 1; None until the number of files is known."""
        return None if self._search is None else self._search.done_share

    def describe(self) -> str:
        """Return how many files were searched, of how many: ``1,200 of 80,000 files``."""
        searched = 0 if self._search is None else self._search.searched_count
        total = None if self._search is None else self._search.file_count
        if total is None:
            return f"{searched:,} {'file' if searched == 1 else 'files'}"
        return f"{searched:,} of {total:,} {'file' if total == 1 else 'files'}"

    def describe_series(self) -> str:
        """Return how many DICOM series were found."""
        count = 0 if self._search is None else self._search.series_count
        return f"{count:,} series"

    def _publish(self, catalogue: Catalogue) -> None:
        self._latest = ListedRows(catalogue, make_rows(catalogue, names=True))
