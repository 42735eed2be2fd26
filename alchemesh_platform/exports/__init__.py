"""Measured values in formats of other programs: Prometheus metrics, OpenLineage events."""
