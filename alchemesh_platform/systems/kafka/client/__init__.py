"""The client of a Kafka cluster: topics, schemas, users and their rights."""
