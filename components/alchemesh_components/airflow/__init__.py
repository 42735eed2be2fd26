"""Shared parts of the components for Apache Airflow."""
