"""Output of a running operation: its events, its live tree, its final tree."""
