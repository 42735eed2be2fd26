"""Interfaces for the author of a system: its registration, credentials, retained data, erasure, emulation, errors."""
