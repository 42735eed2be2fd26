"""Shared parts of the components on this machine."""
