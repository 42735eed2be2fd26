"""BigQuery tables."""
