"""Columnar tables of the Glue catalog, as Parquet files in S3."""
