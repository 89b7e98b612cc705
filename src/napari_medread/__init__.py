"""Open medical images in napari: the right way round, to scale in millimetres."""

__version__ = "0.1.0"
