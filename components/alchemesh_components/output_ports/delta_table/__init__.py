"""Delta tables in folders of this machine."""
