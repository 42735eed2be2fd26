"""Code that Spark runs."""
