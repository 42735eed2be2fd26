"""Pulumi's engine, unmodified: found, got, and run once for each operation."""
