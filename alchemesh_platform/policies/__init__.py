"""Computational policies: rules of the governance group, written in CEL and evaluated by the platform."""
