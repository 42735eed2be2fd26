"""A plain Python job on this machine."""
