"""Rows of topics, for a product's code."""
