"""Components for what processing needs and no port gives."""
