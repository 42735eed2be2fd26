"""Notices of coming changes: who may give them, when the change is allowed, and how they are recorded."""
