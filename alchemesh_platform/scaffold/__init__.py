"""New packages from templates: a component of one's own."""
