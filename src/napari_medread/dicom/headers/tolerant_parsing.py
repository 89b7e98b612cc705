"""Letting pydicom take what breaks the rules, without a word, in several threads at once."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from pydicom import config

from napari_medread.core.warning_filters import suppress_warnings


class _Forgiving:
    """A context in which values are not validated and warnings are not shown.

    Validation is a setting of the whole process. Were each thread to put back what it has
    found, the one that leaves last would put back what another one had set. So the first that
    enters sets it, and the last that leaves puts it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before.enter_context(suppress_warnings())
                self._before.enter_context(config.disable_value_validation())
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._before.close()


tolerant_pydicom = _Forgiving()
"""It can be entered again from inside, and by any thread."""
