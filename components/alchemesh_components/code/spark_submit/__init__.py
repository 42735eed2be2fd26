"""A job of Spark on this machine."""
