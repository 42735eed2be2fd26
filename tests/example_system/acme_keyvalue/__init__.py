"""Key-value stores in SQLite, as a system of the Alchemesh Platform."""
