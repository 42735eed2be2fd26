"""The serving copy of a data API: PostgreSQL, with the current rows of the port's tables."""
