"""Apache Spark on this machine: jobs by `spark-submit`, with Delta tables."""
