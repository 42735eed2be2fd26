"""Dagster: code locations of products, and a local Dagster of the platform."""
