"""metaimage."""
