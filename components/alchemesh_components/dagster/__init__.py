"""Shared parts of the components on Dagster."""
