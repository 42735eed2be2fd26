"""Landing of source files as Parquet."""
