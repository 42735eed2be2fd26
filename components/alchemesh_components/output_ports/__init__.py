"""Storages and proxies of output ports."""
