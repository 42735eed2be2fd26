"""Arguments that all components of files share."""
