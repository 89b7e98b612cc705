"""Every file that pydicom and pydicom-data ship does what docs/pydicom-data.md says it does."""

import re
from collections import Counter

import pytest

import sweep

FILES = sweep.files()

QUICK = 400_000
"""Files of more bytes are for the long run: decoding them takes most of the time."""

ROW = re.compile(r"^\| (?P<name>\S+) \| (?P<outcome>\w+) \| (?P<details>.*) \|$")


def committed():
    """Return the outcome of every file in the page, by its name and how often that stood before."""
    found, times = {}, Counter()
    for line in sweep.PAGE.read_text("utf-8").splitlines():
        row = ROW.match(line)
        if row and row["outcome"] in ("equal", "opened", "refused"):
            found[row["name"], times[row["name"]]] = row["outcome"]
            times[row["name"]] += 1
    return found


COMMITTED = committed()


def cases():
    times = Counter()
    for path in FILES:
        key = path.name, times[path.name]
        times[path.name] += 1
        marks = [pytest.mark.exhaustive] if path.stat().st_size > QUICK else []
        yield pytest.param(path, key, marks=marks, id="-".join(map(str, key)).removesuffix("-0"))


@pytest.mark.parametrize(("path", "key"), [*cases()])
@pytest.mark.filterwarnings("ignore:::pydicom")  # the judge's own remarks
def test_a_shipped_file_has_its_committed_outcome(path, key):
    outcome, details = sweep.outcome(path)
    assert "\n" not in details
    # A file that a newer pydicom ships is not in the page yet; a wrong picture is never right.
    assert outcome == COMMITTED.get(key, outcome)
    assert outcome != "differs"


def test_both_collections_are_there_and_in_the_page():
    names = Counter(path.name for path in FILES)
    assert {"CT_small.dcm", "JPEG-LL.dcm"} <= set(names)
    assert len(COMMITTED) > 250
    missing = {name for name, _ in COMMITTED} - set(names)
    assert missing == set()
