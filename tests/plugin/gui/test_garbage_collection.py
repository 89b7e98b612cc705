"""Objects that exist already are left out of garbage collections while a task runs."""

import gc
import weakref

from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.garbage_collection import (
    existing_objects_spared,
    spare_new_objects,
)


def is_looked_at(thing):
    return any(each is thing for each in gc.get_objects())


def test_what_exists_is_spared_until_the_outermost_ends():
    existing = [[]]
    assert is_looked_at(existing)
    with existing_objects_spared():
        made_meanwhile = [[]]
        with existing_objects_spared():
            assert not is_looked_at(existing)
        assert not is_looked_at(existing)
        assert is_looked_at(made_meanwhile)
    assert is_looked_at(existing)


def test_what_is_made_meanwhile_is_spared_on_request_and_recent_garbage_collected():
    class Link:
        pass

    spare_new_objects()  # outside: nothing
    with existing_objects_spared():
        kept, lost = [[]], Link()
        lost.itself, lost_ref = lost, weakref.ref(lost)
        del lost
        spare_new_objects()
        assert lost_ref() is None
        assert not is_looked_at(kept)
    assert is_looked_at(kept)


def test_a_task_spares_what_exists_and_gives_it_back(qtbot):
    existing = [[]]
    results = []
    task = BackgroundTask(lambda _: is_looked_at(existing))
    task.returned.connect(results.append)
    with qtbot.waitSignal(task.finished):
        task.start()
    assert results == [False]
    assert is_looked_at(existing)
