"""A bucket of S3."""
