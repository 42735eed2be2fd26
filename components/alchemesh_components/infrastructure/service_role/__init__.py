"""A role of IAM."""
