"""Open medical images in napari: the right way round, to scale in millimetres."""

from napari_medread.api import read, write
from napari_medread.headers import tags
from napari_medread.processing.resample import resample

__version__ = "0.1.0"

__all__ = ["__version__", "read", "resample", "tags", "write"]
