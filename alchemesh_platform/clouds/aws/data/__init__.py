"""Rows in S3 and Kinesis, for a product's code."""
