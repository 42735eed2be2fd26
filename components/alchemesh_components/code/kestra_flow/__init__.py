"""Code that Kestra runs."""
