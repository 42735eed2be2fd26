"""Shared parts of the components on NiFi."""
