"""Deploys cases with the real engine, and compares a package with another version of it."""
