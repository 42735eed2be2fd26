"""The consumer that lands a Kafka topic as Parquet files."""
