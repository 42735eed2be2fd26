"""Files of this machine, landed as Parquet."""
