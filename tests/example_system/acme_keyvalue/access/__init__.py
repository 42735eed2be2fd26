"""Proxy: the address of a store, for consumers that read the file."""
