"""Clients of the JSON interfaces of Google's services and of their emulators."""
