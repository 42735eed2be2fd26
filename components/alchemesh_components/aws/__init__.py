"""Shared parts of the components for AWS."""
