"""What components on Kafka share."""
