"""Kestra: flows that run a product's code."""
