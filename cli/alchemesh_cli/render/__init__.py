"""Output of commands for a person."""
