"""The background tasks of a panel: what is reported, dropped, and cancelled with the panel."""

import gc
import threading
import weakref
from importlib import import_module

import npe2
import pytest

from helpers.idle import wait_until_idle
from napari_medread.errors import MedReadError
from napari_medread.plugin.gui.background_task import _RUNNING_TASKS, BackgroundTask
from napari_medread.plugin.gui.panel_base import Panel
from napari_medread.plugin.gui.panel_tasks import PanelTasks


class Recorder:
    """Records what is reported, and in which threads."""

    def __init__(self):
        self.calls = []
        self.threads = set()

    def _record(self, *call):
        self.calls.append(call)
        self.threads.add(threading.current_thread())

    def on_progress(self, done, total):
        self._record("progress", done, total)

    def on_result(self, result):
        self._record("result", result)

    def on_refused(self, sentence):
        self._record("refused", sentence)

    def on_finished(self):
        self._record("finished")

    def callbacks(self):
        names = ("on_progress", "on_result", "on_refused", "on_finished")
        return {name: getattr(self, name) for name in names}


@pytest.fixture
def ended(qtbot):
    """Wait until no task runs, and everything that it has reported was delivered."""

    def wait():
        qtbot.waitUntil(lambda: not _RUNNING_TASKS, timeout=5000)
        wait_until_idle()

    return wait


def steps(progress):
    return list(progress([1, 2], "Counting"))


def refuse(progress):
    raise MedReadError("scan: it is broken.")


def test_what_a_task_reports_arrives_in_the_main_thread_and_in_order(ended):
    tasks, recorder = PanelTasks(), Recorder()
    tasks.start(BackgroundTask(steps), **recorder.callbacks())
    ended()
    assert recorder.calls == [("progress", 0, 2), ("result", [1, 2]), ("finished",)]
    assert recorder.threads == {threading.main_thread()}


def test_a_refusal_is_a_sentence(ended):
    tasks, recorder = PanelTasks(), Recorder()
    tasks.start(BackgroundTask(refuse), **recorder.callbacks())
    ended()
    assert recorder.calls == [("refused", "scan: it is broken."), ("finished",)]


@pytest.mark.parametrize("end", ["drop", "close"])
def test_nothing_is_reported_of_a_task_once_it_was_dropped_or_the_panel_closed(ended, end):
    tasks, recorder, go_on = PanelTasks(), Recorder(), threading.Event()
    seen = []

    def wait(progress):
        for item in progress(range(3), "Waiting"):
            go_on.wait(5)
            seen.append(item)

    task = tasks.start(BackgroundTask(wait), **recorder.callbacks())
    tasks.drop(task) if end == "drop" else tasks.close()
    go_on.set()
    ended()
    assert recorder.calls == []
    assert len(seen) < 3  # it was cancelled


def test_a_task_that_outlives_the_panel_is_not_cancelled_with_it(ended):
    tasks, recorder, go_on, seen = PanelTasks(), Recorder(), threading.Event(), []

    def wait(progress):
        for item in progress(range(3), "Waiting"):
            go_on.wait(5)
            seen.append(item)

    tasks.start(BackgroundTask(wait), **recorder.callbacks(), outlives_panel=True)
    tasks.close()
    go_on.set()
    ended()
    assert seen == [0, 1, 2]
    assert recorder.calls == []


def test_a_running_task_keeps_neither_the_panel_nor_its_parts_alive(ended):
    tasks, recorder, go_on = PanelTasks(), Recorder(), threading.Event()
    tasks.start(BackgroundTask(lambda _: go_on.wait(5)), **recorder.callbacks(),
                outlives_panel=True)  # fmt: skip
    refs = [weakref.ref(tasks), weakref.ref(recorder)]
    del tasks, recorder
    gc.collect()
    assert [ref() for ref in refs] == [None, None]
    go_on.set()
    ended()


def test_all_panels_have_the_one_base_class():
    manifest = npe2.PluginManifest.from_distribution("napari-medread")
    commands = {command.id: command for command in manifest.contributions.commands}
    classes = []
    for widget in manifest.contributions.widgets:
        module, _, name = commands[widget.command].python_name.partition(":")
        classes.append(getattr(import_module(module), name))
    assert len(classes) == 9
    assert all(issubclass(each, Panel) for each in classes)
