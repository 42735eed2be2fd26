"""Runs of products' code: start them here or by an engine, and record them in one history."""
