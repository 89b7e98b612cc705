"""Files of which more are found while the first are being read."""

from pathlib import Path

from napari_medread.dicom.listing.file_queue import FileQueue

FILES = [Path(f"{n}") for n in range(1000)]


def test_the_first_come_before_the_last_are_found():
    found = []

    def find():
        for file in FILES:
            found.append(file)
            yield file

    queue = FileQueue(find())
    taken = iter(queue)
    assert next(taken) == FILES[0]
    assert len(found) < len(FILES)
    assert not queue.is_complete
    assert len(queue) == len(found)
    assert list(taken) == FILES[1:]
    assert queue.is_complete
    assert len(queue) == len(FILES)


def test_all_can_be_found_first():
    queue = FileQueue(iter(FILES))
    queue.find_all()
    assert queue.is_complete
    assert len(queue) == len(FILES)
    assert list(queue) == FILES


def test_where_there_are_none():
    queue = FileQueue(iter([]))
    assert list(queue) == []
    assert queue.is_complete
    assert len(queue) == 0
