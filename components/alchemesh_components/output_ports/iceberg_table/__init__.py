"""Iceberg tables in folders of this machine, with a catalog in SQL."""
