"""Subcommands of `alchemesh components`, each in its own module."""
