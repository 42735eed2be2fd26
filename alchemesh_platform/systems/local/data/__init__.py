"""Rows of local ports, for a product's code."""
