"""How topics are measured."""
