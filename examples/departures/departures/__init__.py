"""Code of the product departures."""
