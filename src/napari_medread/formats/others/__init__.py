"""others."""
