"""Code that Apache Airflow runs."""
