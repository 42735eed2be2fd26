"""Probe the ports of an environment: once, or slice after slice."""
