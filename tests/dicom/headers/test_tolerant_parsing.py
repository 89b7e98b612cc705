"""Settings of the whole process are restored, whichever thread finishes first."""

import threading
import warnings

from pydicom import config

from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom


def test_settings_are_restored_after_the_last_thread():
    filters, mode = list(warnings.filters), config.settings.reading_validation_mode
    assert mode != config.IGNORE
    entered, leave = threading.Event(), threading.Event()

    def other():
        with tolerant_pydicom:
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=other)
    with tolerant_pydicom:
        thread.start()
        assert entered.wait(20)
        with tolerant_pydicom:
            warnings.warn("not shown", stacklevel=1)
    # The other thread is still inside.
    assert config.settings.reading_validation_mode == config.IGNORE
    leave.set()
    thread.join()
    assert config.settings.reading_validation_mode == mode
    assert warnings.filters == filters
