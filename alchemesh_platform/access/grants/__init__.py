"""Grants: desired ones, recorded ones, and their use by consumers."""
