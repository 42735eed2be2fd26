"""Settings of the components on Iceberg."""
