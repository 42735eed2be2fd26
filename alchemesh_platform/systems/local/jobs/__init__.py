"""Python jobs on this machine."""
