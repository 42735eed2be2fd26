"""Grants: desired, recorded, and used by consumers."""
