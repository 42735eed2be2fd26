"""A secret in Secrets Manager of AWS."""
