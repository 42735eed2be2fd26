"""Observed state: records of products, their last deployments, and the health of their components."""
