"""Basics that every other package may import: documents with places, problems, failures, names, units, secrets."""
