"""Rows of Google Cloud, for a product's code."""
