"""The rules that every component keeps, one module for each part of a component."""
