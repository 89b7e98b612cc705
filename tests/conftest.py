"""Set-up for all tests."""

import os

# Before napari is imported: else its fixtures erase a real user's settings.
os.environ.setdefault("NAPARI_CONFIG", "")
