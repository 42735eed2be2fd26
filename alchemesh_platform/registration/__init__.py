"""The systems that installed packages register, and what they bring; below everything that uses it."""
