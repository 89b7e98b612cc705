"""nrrd."""
