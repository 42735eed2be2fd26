"""Kestra against its real engine."""
