"""Approval of requests: by rules at once, or by the owner."""
