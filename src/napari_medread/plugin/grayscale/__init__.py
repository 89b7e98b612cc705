"""grayscale."""
