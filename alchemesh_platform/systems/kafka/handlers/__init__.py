"""Provider handlers of Kafka, one resource type a file."""
