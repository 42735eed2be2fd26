"""A dataflow: declared, compared with the server, applied, drained and removed."""
