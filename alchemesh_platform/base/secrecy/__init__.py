"""Secrets whose values nobody has named: recognised by the name of a property, or by the form of a text."""
