"""The systems that installed packages register, and the parts that they provide."""
