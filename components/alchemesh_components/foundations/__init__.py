"""What products stand on: the platform itself, and domains."""
