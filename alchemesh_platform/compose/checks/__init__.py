"""Checks of a composed manifest, beyond the schema of its components."""
