"""Checks of a run before the engine starts: the mesh, policies, contracts."""
