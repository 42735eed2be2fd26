"""Clients of the emulators' JSON interfaces."""
