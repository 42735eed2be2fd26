"""Files of another bucket."""
