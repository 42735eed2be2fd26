"""Usage of output ports: its lines, the positions of its readers, and the gaps in it."""
