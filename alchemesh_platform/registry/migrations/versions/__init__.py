"""One module for each revision, numbered from 0001. A released revision never changes."""
