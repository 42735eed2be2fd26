"""The kinds of resources, one a file."""
