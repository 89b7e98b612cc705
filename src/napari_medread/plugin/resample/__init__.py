"""resample."""
