"""A job of Dagster."""
