"""Delta tables on this machine."""
