"""Keeping warnings back, in several threads at once."""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_lock = threading.RLock()
_kept_back: Counter[str] = Counter()
_filters = ExitStack()


@contextmanager
def suppress_warnings(message: str = "") -> Iterator[None]:
    """Keep warnings back while the context is open.

    Which warnings are shown is a setting of the whole process. Were each thread to put back
    what it has found, the one that leaves last would put back what another one had set. So
    it is put back whenever a context opens or closes, and what all open ones want is set anew.

    Parameters
    ----------
    message : str, optional
        A regular expression that warnings start with; all of them without one.
    """
    _change(message, 1)
    try:
        yield
    finally:
        _change(message, -1)


def _change(message: str, by: int) -> None:
    with _lock:
        _filters.close()
        _kept_back[message] += by
        wanted = list(+_kept_back)
        if wanted:
            _filters.enter_context(warnings.catch_warnings())
        for each in wanted:
            warnings.filterwarnings("ignore", message=each)
