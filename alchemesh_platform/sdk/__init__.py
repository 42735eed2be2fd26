"""What the author of a component or system imports, and nothing else."""
