"""Use cases on one product: deploy it, run its code, erase its rows, delete its retained data, unlock its stack."""
