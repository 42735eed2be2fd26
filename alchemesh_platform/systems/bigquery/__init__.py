"""Columns and schema changes of BigQuery tables. The package makes no calls to BigQuery."""
