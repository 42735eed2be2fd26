"""One operation on one product, from lock to record."""
