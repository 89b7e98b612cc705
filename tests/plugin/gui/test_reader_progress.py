"""Progress bars with a cancel button."""

import pytest
from napari.utils import progress

from napari_medread.errors import Cancelled
from napari_medread.plugin.gui import reader_progress


def test_short_work_shows_no_bar_and_yields_everything():
    assert list(reader_progress.show_cancelable_progress(range(5), "Reading")) == [0, 1, 2, 3, 4]


def test_long_work_can_be_cancelled(monkeypatch):
    monkeypatch.setattr(reader_progress, "BAR_DELAY_S", 0.0)
    monkeypatch.setattr(reader_progress, "BAR_INTERVAL_S", 0.0)
    bars = []
    original = reader_progress.cancelable_progress

    def made(**options):
        bars.append(original(**options))
        return bars[-1]

    monkeypatch.setattr(reader_progress, "cancelable_progress", made)
    seen = []
    work = reader_progress.show_cancelable_progress(range(100), "Reading")

    def run():
        for item in work:
            seen.append(item)
            if item == 3:
                bars[0].cancel()

    with pytest.raises(Cancelled):
        run()
    assert seen == [0, 1, 2, 3]
    assert bars[0] not in progress._all_instances
