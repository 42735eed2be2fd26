"""Runs of code, by this machine and by engines."""
