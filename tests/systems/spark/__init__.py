"""Jobs of Spark."""
