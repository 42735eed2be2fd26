"""Use cases on components: for their authors, and for the catalogue."""
