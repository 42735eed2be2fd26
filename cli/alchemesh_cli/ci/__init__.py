"""Subcommands of `alchemesh ci`."""
