"""Real servers for tests and the demo: prepared once for a user, started on loopback, stopped. Never in production."""
