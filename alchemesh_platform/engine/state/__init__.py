"""The state of a stack: its backend, its lock and how to read it."""
