"""Volumes, their geometry and how they are shown: numpy only, no files, no napari."""
