"""The verdict of each kind of commitment."""
