"""Pub/Sub topics."""
