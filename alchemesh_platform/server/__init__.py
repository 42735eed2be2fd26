"""The server of an environment: an HTTP API on the use cases. It identifies each caller by a verified token."""
