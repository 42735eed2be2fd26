"""Authorised views of BigQuery tables."""
