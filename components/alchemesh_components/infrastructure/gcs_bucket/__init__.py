"""A private bucket of Google Cloud Storage."""
