"""Consumers of a serving copy: their roles, rights, limits, and the fairness between them."""
