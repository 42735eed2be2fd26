"""Kafka: access to a cluster, topics with their schemas, and a consumer that lands a topic as files."""
