"""The server of the emulated services: its environment, its address and its data."""
