"""Runs of code by engines, against each engine's own client."""
