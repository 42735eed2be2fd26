"""The package for authors of components and systems. They import nothing else."""
