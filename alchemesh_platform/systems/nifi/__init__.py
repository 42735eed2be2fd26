"""Apache NiFi: a dataflow brought to what is declared, compared with it, observed, and taken down without loss."""
