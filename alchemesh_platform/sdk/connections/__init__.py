"""Connections: how a product's code reaches its ports and needs. Each kind is a class that a system registers."""
