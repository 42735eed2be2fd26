"""Notices of coming changes: the right to give them, the date from which a change is allowed, and their records."""
