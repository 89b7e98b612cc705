"""Every file that pydicom and pydicom-data ship opens truthfully, or is refused in a sentence."""

import pytest

import sweep

FILES = sweep.files()


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
@pytest.mark.filterwarnings("ignore:::pydicom")  # the judge's own remarks
def test_a_shipped_file_gives_pydicoms_values_or_a_sentence(path):
    outcome, details = sweep.outcome(path)
    assert outcome in ("equal", "refused", "opened")
    assert "\n" not in details


def test_both_collections_are_there():
    names = {path.name for path in FILES}
    assert {"CT_small.dcm", "JPEG-LL.dcm"} <= names
    assert len(FILES) > 250
