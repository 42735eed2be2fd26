"""One run of the engine: its process, the program, its events and the result."""
