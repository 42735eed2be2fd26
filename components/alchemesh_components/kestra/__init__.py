"""Shared parts of the components on Kestra."""
