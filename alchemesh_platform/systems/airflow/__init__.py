"""Apache Airflow: delivers DAGs, starts runs and follows them; on this machine with a server of its own."""
