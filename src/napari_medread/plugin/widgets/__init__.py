"""The docked widgets, one a module."""
