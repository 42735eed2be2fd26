"""A BigQuery dataset for tables in between."""
