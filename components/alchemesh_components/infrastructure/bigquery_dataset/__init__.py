"""A BigQuery dataset for intermediate tables."""
