"""Supervised servers on this machine, and their ports."""
