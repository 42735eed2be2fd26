"""Loading of a serving copy: its sources, the types of its columns, and its state."""
