"""Making pydicom accept values that break the rules, without warnings and in several threads."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from pydicom import config

from napari_medread.core.warning_filters import suppress_warnings


class _TolerantPydicom:
    """A context in which pydicom does not validate values and warnings are suppressed.

    Both are settings of the whole process. If each thread restored the setting it found, the last
    thread to leave could restore what another thread had set. So the first thread to enter changes
    the settings, and the last thread to leave restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active_count = 0
        self._restored_on_exit = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._active_count:
                self._restored_on_exit.enter_context(suppress_warnings())
                self._restored_on_exit.enter_context(config.disable_value_validation())
            self._active_count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._active_count -= 1
            if not self._active_count:
                self._restored_on_exit.close()


tolerant_pydicom = _TolerantPydicom()
"""The one such context: ``with tolerant_pydicom:``, nested as needed and in any thread."""
