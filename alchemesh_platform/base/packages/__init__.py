"""Installed packages: their entry points, their extras, and references to their objects."""
