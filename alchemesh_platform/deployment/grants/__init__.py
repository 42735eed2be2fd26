"""Deploys access decisions: the grants at a product's ports, and a product's access to its inputs."""
