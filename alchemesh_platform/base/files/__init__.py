"""Files of the platform on this machine: their folder, its privacy, and atomic writes."""
