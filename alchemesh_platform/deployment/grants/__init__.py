"""Deploying access decisions: grants at the ports of a product, and access of a product to its inputs."""
