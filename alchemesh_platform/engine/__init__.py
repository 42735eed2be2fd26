"""Finds, installs and runs Pulumi's unmodified engine, one run for each operation."""
