"""Measurements of promise and truth: rows, observations and usage."""
