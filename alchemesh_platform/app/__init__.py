"""Use cases for commands, an HTTP API and pipelines. They take values, and return values and events."""
