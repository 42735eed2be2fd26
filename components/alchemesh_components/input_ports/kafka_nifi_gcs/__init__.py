"""Events of a Kafka topic, written into a bucket by a NiFi dataflow."""
