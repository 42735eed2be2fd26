"""Approval of requests: automatically by rules, or by the owner."""
