"""Checks of a run before the engine starts: mesh, policies and contracts."""
