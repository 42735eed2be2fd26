"""Kestra: flows in a real engine, and their parts."""
