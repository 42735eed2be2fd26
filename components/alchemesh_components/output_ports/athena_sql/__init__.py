"""SQL over tables of the Glue catalog, by Athena."""
