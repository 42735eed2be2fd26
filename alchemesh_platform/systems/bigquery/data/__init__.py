"""Typed reading and writing of BigQuery tables for a product's code."""
