"""The embedded local platform."""
