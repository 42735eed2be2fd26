"""The state of a stack: where it is kept, how it is locked, and how it is read."""
