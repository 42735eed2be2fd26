"""Shared parts of the components on Google Cloud."""
