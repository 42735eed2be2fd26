"""Files of a bucket of S3."""
