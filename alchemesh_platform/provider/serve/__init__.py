"""Serve the provider to the engine over gRPC."""
