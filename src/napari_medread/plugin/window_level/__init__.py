"""window_level."""
