"""Run one operation on one product, from the lock to the record."""
