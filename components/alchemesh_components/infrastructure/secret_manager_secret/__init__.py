"""A secret in Secret Manager."""
