"""A Python job on Cloud Run."""
