"""Storages and proxies that give data out."""
