"""The napari plugin: the only part of the package that imports napari, Qt or magicgui.

``reader``, ``writer`` and ``samples`` are the functions that the manifest ``napari.yaml`` names.
``bridge`` converts volumes to layers and layers to volumes, ``gui`` holds what all panels share,
and every other folder is one feature: its model, its panel and its commands.
"""
