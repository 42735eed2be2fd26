"""Handlers of resources that AWS has no type for."""
