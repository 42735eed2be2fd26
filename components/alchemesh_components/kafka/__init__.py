"""Shared parts of the components on Kafka."""
