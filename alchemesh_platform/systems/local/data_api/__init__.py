"""Data APIs on this machine: a serving copy in PostgreSQL, behind a gateway."""
