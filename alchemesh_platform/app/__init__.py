"""Use cases: what a command, an HTTP API and a pipeline call. Values in, values and events out."""
