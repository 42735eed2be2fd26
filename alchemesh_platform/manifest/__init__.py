"""The manifest of a data product, ``alchemesh.yaml``."""
