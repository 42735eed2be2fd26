"""Computational policies: rules of a governance group, written in CEL and run by the platform."""
