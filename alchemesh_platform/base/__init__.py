"""What every other package may import: documents with their places, problems, failures, names, units, secrets."""
