"""SQL, REST and GraphQL on Google Cloud."""
