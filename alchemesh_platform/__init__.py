"""The platform: from one manifest to a running data product and its record."""

__version__ = "0.1.0"
