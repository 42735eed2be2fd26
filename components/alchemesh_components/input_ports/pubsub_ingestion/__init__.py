"""Messages of a Pub/Sub topic."""
