"""Iceberg tables on this machine, with a catalog in SQL."""
